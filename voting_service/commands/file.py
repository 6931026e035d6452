"""`file`: say of files what the nomination would say, without database or settings."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import click

from voting_service.commands.output import say
from voting_service.infrastructure.logs import configure_logs
from voting_service.nomination.files.isolation import MAX_CONCURRENT
from voting_service.nomination.files.model import (
    MAX_FILE_BYTES,
    ExaminationTask,
    JoinedPdf,
    Kind,
    Photo,
    UploadedFile,
)
from voting_service.nomination.files.rejections import FileRejected
from voting_service.nomination.files.sandbox import examine

KINDS = ("evidence", "photo", "scan")


@click.group()
def file() -> None:
    """Check files as the nomination does when they are uploaded."""


@file.command()
@click.argument(
    "paths", metavar="FILE…", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
@click.option("--as", "kind", required=True, type=click.Choice(KINDS), help="What it would be.")
@click.option(
    "--format", "layout", default="text", type=click.Choice(["text", "json"]), show_default=True
)
def check(paths: tuple[Path, ...], kind: str, layout: str) -> None:
    """Say of each FILE whether it is accepted, and if not, why. A folder means every file in it.

    `--format json` prints one line for a file; for several, each line names its file. The exit
    code is 1 if any is refused.
    """
    configure_logs("warning")
    chosen = list(_files(paths))
    is_single = len(chosen) == 1 and not paths[0].is_dir()
    all_accepted = True
    with ThreadPoolExecutor(MAX_CONCURRENT) as threads:
        verdicts = threads.map(lambda path: _verdict(cast(Kind, kind), path), chosen)
        for path, verdict in zip(chosen, verdicts, strict=True):
            all_accepted = all_accepted and verdict["accepted"]
            if layout == "json":
                line = verdict if is_single else {"file": str(path), **verdict}
                click.echo(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
            elif verdict["accepted"]:
                say("file.accepted", file=path, pages=verdict["pages"])
            else:
                say("file.refused", err=True, file=path, reason=verdict["message"])
    sys.exit(0 if all_accepted else 1)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(below for below in path.rglob("*") if below.is_file())
        else:
            yield path


def _verdict(kind: Kind, path: Path) -> dict[str, Any]:
    with path.open("rb") as opened:
        content = opened.read(MAX_FILE_BYTES + 1)
    try:
        examined = examine(kind, ExaminationTask((UploadedFile(path.name, content),)))
    except FileRejected as error:
        message = error.faults[0].message
        return {"accepted": False, "reason": error.reason.value, "message": message}
    return {"accepted": True, **_described(examined)}


def _described(examined: JoinedPdf | Photo) -> dict[str, Any]:
    stored = {"sha256": examined.sha256, "bytes": len(examined.content)}
    if isinstance(examined, JoinedPdf):
        return {"pages": examined.pages, **stored}
    size = {"width": examined.width, "height": examined.height, "coarse": examined.is_coarse}
    return {"pages": 1, **size, **stored}
