"""Compile a Typst template and data to a PDF.

Data reaches a template as JSON (`json("data.json")`), never as part of its text, so it cannot
contain markup. Each document is compiled in a process of its own, with limited time and memory.
The same data gives the same bytes.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import msgspec

from voting_service.errors import Unavailable
from voting_service.infrastructure.typesetting.glyph_coverage import (
    font_folders,
    missing_glyphs,
    texts_within,
    unseen_controls,
)

TIMEOUT_SECONDS = 60.0
"""A report takes half a second, a table of 490 pages took 29 seconds on a busy machine."""

AT_ONCE = 2
"""Documents compiled in the background at a time; further ones wait."""

SHARED = ("base.typ", "charts.typ")
"""Files that every template may import."""

GAP = "box(width: 1em, height: 0.88em, align(center + bottom, line(length: 0.84em, stroke: 0.4pt)))"
"""What is printed for a character that no font has: room to write it in by hand."""

_COMPILER = Path(__file__).with_name("compiler_process.py")
_NO_ASSETS: Mapping[str, bytes] = MappingProxyType({})
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="typesetting")


class TypesettingFailed(Exception):
    """A bug: the template is wrong or does not match its data."""


def typeset(
    package: str,
    template: str,
    data: Any,
    *,
    assets: Mapping[str, bytes] = _NO_ASSETS,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> bytes:
    """Return the PDF of `template`, a .typ file of `package` (the caller's `__package__`).

    `data` is anything that msgspec encodes as JSON. `assets` are files for the template, such as
    pictures. What no font has is a gap for handwriting (`glyph_coverage.handwritten` names it).
    Blocks: use `typeset_in_background` on an event loop. Raises Unavailable after the timeout, and
    TypesettingFailed, also if memory runs out; RuntimeError for an asset whose name is a path.
    """
    encoded = msgspec.json.encode(data)
    source = resources.files(package).joinpath(template).read_text(encoding="utf-8")
    source = _with_gaps(source, msgspec.json.decode(encoded))
    shared = resources.files(__package__)
    files = {
        **assets,
        **{name: shared.joinpath(name).read_bytes() for name in SHARED},
        "data.json": encoded,
        "main.typ": source.encode(),
    }
    with TemporaryDirectory(prefix="typesetting-") as folder:
        for name, content in files.items():
            if Path(name).name != name:
                raise RuntimeError(f"{template}: the asset {name!r} must be a plain file name")
            Path(folder, name).write_bytes(content)
        return _compile(template, folder, timeout_seconds)


async def typeset_in_background(
    package: str, template: str, data: Any, *, assets: Mapping[str, bytes] = _NO_ASSETS
) -> bytes:
    """Run `typeset` in a thread, at most AT_ONCE at a time."""
    return await in_background(lambda: typeset(package, template, data, assets=assets))


async def in_background(make: Callable[[], bytes]) -> bytes:
    """Run a function that makes a document in one of the same threads."""
    return await asyncio.get_running_loop().run_in_executor(_threads, make)


def _with_gaps(source: str, data: Any) -> str:
    """Return the template with rules for what has no glyph: a gap as wide as the character, for
    handwriting, and nothing at all for marks that are not seen. Raises TypesettingFailed for a
    template that has such characters itself."""
    if lacking := missing_glyphs(source):
        raise TypesettingFailed(f"no glyph: {lacking}")
    gaps: dict[str, None] = {}
    unseen: set[str] = set()
    for text in texts_within(data):
        gaps.update(dict.fromkeys(missing_glyphs(text)))
        unseen |= unseen_controls(text)
    rules = ""
    if unseen:
        rules += f'#show regex("[{"".join(map(_escaped, sorted(unseen)))}]"): none\n'
    if gaps:  # the last rule comes first, so that a mark within such a part is still there
        words = "|".join(_escaped(part) for part in sorted(gaps, key=len, reverse=True))
        rules += f'#show regex("{words}"): {GAP}\n'
    return rules + source


def _escaped(text: str) -> str:
    return "".join(f"\\u{{{ord(character):x}}}" for character in text)


def _compile(template: str, folder: str, timeout_seconds: float) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(_COMPILER), folder, *map(str, font_folders())],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=timeout_seconds,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(
            "infrastructure.typesetting.timed_out",
            retry_after_seconds=60,
            template=template,
            timeout_seconds=timeout_seconds,
        ) from None
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip()
        raise TypesettingFailed(f"{template} (exit code {done.returncode}): {reason}")
    return done.stdout
