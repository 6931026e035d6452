"""Publicity of winners and nominees: story, quotation, video and portrait."""

from __future__ import annotations

from urllib.parse import unquote

from voting_service.contests.pictures.repository import store_portrait
from voting_service.errors import InvalidInput, NotFound
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.awards.published_result import (
    PrintPortrait,
    Publicity,
    PublishedAward,
    load_results,
    save_print_portrait,
    save_publicity,
)
from voting_service.nomination.panel.candidates import load_recommended
from voting_service.nomination.panel.model import Panel
from voting_service.nomination.privacy.disclosure import disclosures
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.staff.actor import Actor


async def load_award(
    connection: AnyConnection, panel: Panel, number: int
) -> tuple[int, PublishedAward]:
    """Load the contest's id and the award of a number. Raises NotFound when the newest result does
    not name it."""
    if panel.contest is not None:
        results = await load_results(connection, panel.contest.id)
        for award in results[-1].read().awarded if results else ():
            if award.number == number:
                return panel.contest.id, award
    raise NotFound("nomination.awards.number_not_in_result")


async def edit_publicity(
    actor: Actor, keys: PersonalKeys, panel: Panel, publicity: Publicity
) -> None:
    """Store the texts about a winner or nominee. Raises NotFound, InvalidInput for personal data,
    and Refused when somebody else saved since."""
    connection, number = actor.connection, publicity.number
    async with connection.transaction():
        contest_id, _ = await load_award(connection, panel, number)
        recommendation = (await load_recommended(connection, keys, panel)).get(number)
        texts = {
            "story_zh": publicity.story.zh,
            "story_en": publicity.story.en,
            "quotation_zh": publicity.quotation.zh,
            "quotation_en": publicity.quotation.en,
            "video_url": unquote(publicity.video_url or ""),
        }
        form = None if recommendation is None else recommendation.form
        if faults := disclosures(texts, form=form):
            raise InvalidInput(*faults)
        await save_publicity(connection, contest_id, publicity, actor.account.id, actor.now)
        await actor.record("publicity_changed", panel.selection.slug, f"candidate {number}")


async def replace_portrait(
    actor: Actor, panel: Panel, number: int, original: bytes, picture: EncodedPicture
) -> None:
    """Store a portrait: the `original` JPEG for print, the encoded `picture` for the public pages.
    Raises NotFound."""
    connection = actor.connection
    async with connection.transaction():
        contest_id, _ = await load_award(connection, panel, number)
        portrait = PrintPortrait(
            number=number, content=original, account_id=actor.account.id, saved_at=actor.now
        )
        await save_print_portrait(connection, contest_id, portrait)
        await store_portrait(connection, contest_id, number, picture)
        await actor.record("picture_changed", panel.selection.slug, f"candidate {number}")
