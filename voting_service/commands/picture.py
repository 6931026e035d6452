"""`contest picture`: give a candidate another portrait or one more picture, or take them away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import click

from voting_service.commands.running import database, run, terminal_user
from voting_service.contests import pictures
from voting_service.contests.contest_file import ContestFile
from voting_service.contests.model import Contest, Text
from voting_service.contests.picture_encoding import PictureRefused, encode_file, workers
from voting_service.contests.pictures import (
    EncodedPicture,
    PictureKind,
    add_picture,
    store_portrait,
)
from voting_service.contests.store import load_contest
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.journal.record import record
from voting_service.settings import Settings, load_settings
from voting_service.storage.postgres import AnyConnection

MAX_CAPTION_CHARACTERS = 120


@click.command("picture")
@click.argument("slug")
@click.argument("number", type=int)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--caption-zh", help="What the picture shows, in Chinese; adds a picture.")
@click.option("--caption-en", help="The same in English.")
def picture(
    slug: str, number: int, file: Path, caption_zh: str | None, caption_en: str | None
) -> None:
    """Show FILE as the portrait of candidate NUMBER, instead of the one before.

    With both captions it becomes one more picture beside the portrait.
    """
    caption = _caption(caption_zh, caption_en)
    run(_store(load_settings(), slug, number, file, caption))
    what = "portrait" if caption is None else "picture"
    click.echo(f"candidate {number} of {slug} has a new {what}; pages show it within seconds")


def _caption(caption_zh: str | None, caption_en: str | None) -> Text | None:
    if caption_zh is None and caption_en is None:
        return None
    if caption_zh is None or caption_en is None:
        raise click.UsageError("give both --caption-zh and --caption-en, or none for a portrait")
    for option, caption in (("--caption-zh", caption_zh), ("--caption-en", caption_en)):
        if not caption.strip() or len(caption) > MAX_CAPTION_CHARACTERS:
            raise click.UsageError(f"{option} must be 1 to {MAX_CAPTION_CHARACTERS} characters")
        if not caption.isprintable():
            raise click.UsageError(f"{option} must be printable")
    return Text(zh=caption_zh.strip(), en=caption_en.strip())


async def _store(
    settings: Settings, slug: str, number: int, file: Path, caption: Text | None
) -> None:
    kind: PictureKind = "portrait" if caption is None else "picture"
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        _check_number(contest, number)
        [encoded] = await _encode([(str(file), file, kind)])
        async with connection.transaction():
            await store_picture(connection, contest.id, number, encoded, caption)
            await _record(connection, contest, number, kind)


async def _record(connection: AnyConnection, contest: Contest, number: int, what: str) -> None:
    await record(
        connection,
        terminal_user(),
        "picture_changed",
        contest=contest.slug,
        subject=f"candidate {number}",
        details={"what": what},
    )


@click.command("remove-pictures")
@click.argument("slug")
@click.argument("number", type=int)
@click.option("--confirm", required=True, metavar="NUMBER", type=int, help="NUMBER once more.")
def remove_pictures(slug: str, number: int, confirm: int) -> None:
    """Delete every picture of candidate NUMBER, those replaced before included."""
    if confirm != number:
        raise Refused(f"nothing was deleted: --confirm says {confirm}, not {number}")
    run(_remove(load_settings(), slug, number))
    click.echo(
        f"the pictures of candidate {number} of {slug} are deleted; browsers and caches in "
        "between may keep what they have"
    )


async def _remove(settings: Settings, slug: str, number: int) -> None:
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        _check_number(contest, number)
        async with connection.transaction():
            await pictures.remove_pictures(connection, contest.id, number)
            await _record(connection, contest, number, "removed")


def _check_number(contest: Contest, number: int) -> None:
    if number not in contest.numbers:
        raise NotFound(f"contest {contest.slug} has no candidate {number}")


async def store_picture(
    connection: AnyConnection,
    contest_id: int,
    number: int,
    encoded: EncodedPicture,
    caption: Text | None,
) -> None:
    """With a caption a further picture, without one the portrait; call it in a transaction."""
    if caption is None:
        await store_portrait(connection, contest_id, number, encoded)
    else:
        await add_picture(connection, contest_id, number, encoded, caption)


async def encode_pictures(loaded: ContestFile) -> Sequence[EncodedPicture]:
    """The pictures that a contest file names, in its order. Raises InvalidInput with what is
    wrong with each of them, at its place in the file."""
    folder = loaded.folder or Path()
    return await _encode(
        (f"{named.place}: {named.path}", folder / named.path, named.kind)
        for named in loaded.pictures
    )


async def _encode(files: Iterable[tuple[str, Path, PictureKind]]) -> Sequence[EncodedPicture]:
    """Encodes (place, path, kind) side by side. Raises InvalidInput with every fault."""
    named = list(files)
    if not named:
        return ()
    loop = asyncio.get_running_loop()
    with workers() as pool:
        results = await asyncio.gather(
            *(loop.run_in_executor(pool, encode_file, path, kind) for _, path, kind in named),
            return_exceptions=True,
        )
    faults, encoded = [], []
    for (place, _, _), result in zip(named, results, strict=True):
        match result:
            case PictureRefused():
                faults.append(Fault(place, str(result)))
            case BrokenProcessPool():
                faults.append(Fault(place, "was not read: a picture made its decoder break down"))
            case BaseException():
                raise result
            case _:
                encoded.append(result)
    if faults:
        raise InvalidInput(*faults)
    return encoded
