"""The contents of the album: portrait and story of every winner and nominee, as on the public
pages."""

from __future__ import annotations

from voting_service.contests.pictures.model import Picture
from voting_service.contests.pictures.repository import load_file, load_pictures
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.awards.document_data import load_newest_result, public_employer
from voting_service.nomination.awards.published_result import (
    Publicity,
    load_print_portrait,
    load_publicity,
)
from voting_service.nomination.documents.album import Album, AlbumPerson
from voting_service.nomination.panel.candidates import load_recommended
from voting_service.nomination.panel.model import Panel
from voting_service.nomination.privacy.encryption import PersonalKeys


async def build_album(connection: AnyConnection, keys: PersonalKeys, panel: Panel) -> Album:
    """Load the contents of the album. Raises Refused before the result is approved."""
    contest, _, document = await load_newest_result(connection, panel)
    publicity_by_number = await load_publicity(connection, contest.id)
    portraits = await load_pictures(connection, contest.id)
    recommended = await load_recommended(connection, keys, panel)
    candidates = {candidate.number: candidate for candidate in contest.candidates}
    people = []
    for award in document.awarded:
        publicity = publicity_by_number.get(award.number, Publicity(award.number))
        story = candidates[award.number].story
        people.append(
            AlbumPerson(
                name=award.name,
                award=document.find_award(award.number) or "nominee",
                trade=award.trade,
                employer=public_employer(candidates[award.number], recommended.get(award.number)),
                story=Text(publicity.story.zh or story.zh, publicity.story.en or story.en),
                quotation=publicity.quotation,
                picture=await load_print_portrait(connection, contest.id, award.number)
                or await _largest_portrait(connection, portraits.get(award.number)),
            )
        )
    rules, year = panel.selection.rules, str(panel.selection.year)
    return Album(
        selection=rules.award,
        subtitle=Text(year, year),
        foreword=load_text("documents", "album.default_foreword"),
        people=tuple(people),
        issuers=(rules.host, rules.office),
    )


async def _largest_portrait(connection: AnyConnection, picture: Picture | None) -> bytes | None:
    if picture is None:
        return None
    return await load_file(connection, picture.hash, max(picture.widths, default=0), "webp")
