"""`contest picture` and `remove-pictures`: change, add and delete pictures of a candidate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from voting_service.commands.output import message, say
from voting_service.commands.runtime import (
    database,
    run,
    terminal_user,
)
from voting_service.contests.contest_file.reader import ContestFile
from voting_service.contests.model import Contest
from voting_service.contests.pictures import repository
from voting_service.contests.pictures.repository import add_picture, store_logo, store_portrait
from voting_service.contests.repository import load_contest
from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
    Refused,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.images.encoding_pool import PictureToEncode, encode_all
from voting_service.infrastructure.images.model import EncodedPicture, PictureKind
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.settings import Settings, load_settings
from voting_service.staff.audit_log.record import record

MAX_CAPTION_CHARACTERS = 120


@click.command("picture")
@click.argument("slug")
@click.argument("number", type=int)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--caption-zh",
    help="What the picture shows, in Chinese. For an additional picture.",
)
@click.option("--caption-en", help="The same in English.")
def picture(
    slug: str, number: int, file: Path, caption_zh: str | None, caption_en: str | None
) -> None:
    """Replace the portrait of candidate NUMBER with FILE.

    With both captions, FILE is added as another picture next to the portrait.
    """
    caption = _caption(caption_zh, caption_en)
    run(_store(load_settings(), slug, number, file, caption))
    stored = "new_portrait" if caption is None else "new_picture"
    say(f"contest_picture.{stored}", number=number, slug=slug)


@click.command("logo")
@click.argument("slug")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def logo(slug: str, file: Path) -> None:
    """Set the logo of a contest, or replace it, with FILE."""
    run(_store_logo(load_settings(), slug, file))
    say("contest_picture.new_logo", slug=slug)


async def _store_logo(settings: Settings, slug: str, file: Path) -> None:
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        [encoded] = await _encode([PictureToEncode(str(file), file.name, file, "logo")])
        async with connection.transaction():
            await store_logo(connection, contest.id, encoded)
            await _record(connection, contest, "logo", "logo")


def _caption(caption_zh: str | None, caption_en: str | None) -> Text | None:
    if caption_zh is None and caption_en is None:
        return None
    if caption_zh is None or caption_en is None:
        raise click.UsageError(message("contest_picture.both_captions"))
    for option, caption in (("--caption-zh", caption_zh), ("--caption-en", caption_en)):
        if not caption.strip() or len(caption) > MAX_CAPTION_CHARACTERS:
            raise click.UsageError(
                message(
                    "contest_picture.caption_length", option=option, most=MAX_CAPTION_CHARACTERS
                )
            )
        if not caption.isprintable():
            raise click.UsageError(message("contest_picture.caption_not_printable", option=option))
    return Text(zh=caption_zh.strip(), en=caption_en.strip())


async def _store(
    settings: Settings, slug: str, number: int, file: Path, caption: Text | None
) -> None:
    kind: PictureKind = "portrait" if caption is None else "picture"
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        _check_number(contest, number)
        [encoded] = await _encode([PictureToEncode(str(file), file.name, file, kind)])
        async with connection.transaction():
            await store_picture(connection, contest.id, number, encoded, caption)
            await _record(connection, contest, f"candidate {number}", kind)


async def _record(connection: AnyConnection, contest: Contest, subject: str, what: str) -> None:
    await record(
        connection,
        terminal_user(),
        "picture_changed",
        contest=contest.slug,
        subject=subject,
        details={"what": what},
    )


@click.command("remove-pictures")
@click.argument("slug")
@click.argument("number", type=int)
@click.option(
    "--confirm", required=True, metavar="NUMBER", type=int, help="Repeat NUMBER to confirm."
)
def remove_pictures(slug: str, number: int, confirm: int) -> None:
    """Delete every picture of candidate NUMBER, including replaced ones."""
    if confirm != number:
        raise Refused(
            "commands.contest_picture.delete_not_confirmed",
            confirm=confirm,
            number=number,
        )
    run(_remove(load_settings(), slug, number))
    say("contest_picture.deleted", number=number, slug=slug)


async def _remove(settings: Settings, slug: str, number: int) -> None:
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        _check_number(contest, number)
        async with connection.transaction():
            await repository.remove_pictures(connection, contest.id, number)
            await _record(connection, contest, f"candidate {number}", "removed")


def _check_number(contest: Contest, number: int) -> None:
    if number not in contest.numbers:
        raise NotFound(
            "commands.contest_picture.no_such_candidate", slug=contest.slug, number=number
        )


async def store_picture(
    connection: AnyConnection,
    contest_id: int,
    number: int,
    encoded: EncodedPicture,
    caption: Text | None,
) -> None:
    """Store a portrait, or with a caption an additional picture. Call it in a transaction."""
    if caption is None:
        await store_portrait(connection, contest_id, number, encoded)
    else:
        await add_picture(connection, contest_id, number, encoded, caption)


async def encode_pictures(
    loaded: ContestFile,
) -> tuple[Sequence[EncodedPicture], EncodedPicture | None]:
    """Encode the pictures that a contest file names, in its order, and its logo.

    Raises InvalidInput with the fault of each picture, at its place in the file.
    """
    folder, logo = loaded.folder or Path(), loaded.logo
    files = [
        PictureToEncode(
            named.shown_place,
            named.path.name,
            folder / named.path if named.content is None else named.content,
            named.kind,
        )
        for named in loaded.pictures
    ]
    if logo is None:
        return await _encode(files), None
    files.append(
        PictureToEncode(f"{logo.place}: {logo.path}", logo.path.name, folder / logo.path, "logo")
    )
    *pictures, encoded_logo = await _encode(files)
    return pictures, encoded_logo


async def _encode(pictures: Iterable[PictureToEncode]) -> Sequence[EncodedPicture]:
    """Encode in parallel. Raises InvalidInput with every fault."""
    results = await encode_all(pictures)
    faults = [result for result in results if isinstance(result, Fault)]
    if faults:
        raise InvalidInput(*faults)
    return [result for result in results if not isinstance(result, Fault)]
