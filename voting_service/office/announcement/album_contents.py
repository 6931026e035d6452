"""What the album holds: of everybody whom the result names, the portrait and the story that the
public pages show."""

from __future__ import annotations

from voting_service.contests.awards import Publicity, load_print_portrait, load_publicity
from voting_service.contests.model import Text
from voting_service.contests.pictures import Picture, load_file, load_pictures
from voting_service.office.announcement.gathering import ISSUER, newest_result
from voting_service.office.panel.candidates import load_recommended
from voting_service.office.panel.model import Panel
from voting_service.office.printing.album import Album, AlbumPerson
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection

FOREWORD = Text(
    "本画册收录本次选树的当选和提名人员。他们来自生产一线，由区县和市级部门推荐，经公众投票和"
    "专家评审产生。",
    "This album shows the winners and nominees of the selection: people from the front line, "
    "recommended by districts and departments, chosen by a public vote and an expert panel.",
)


async def gather_album(connection: AnyConnection, keys: PersonalKeys, panel: Panel) -> Album:
    """Raises Refused before the result is approved."""
    contest, result, document = await newest_result(connection, panel)
    told = await load_publicity(connection, contest.id)
    portraits = await load_pictures(connection, contest.id)
    recommended = await load_recommended(connection, keys, panel)
    candidates = {one.number: one for one in contest.candidates}
    people = []
    for one in document.awarded:
        about = told.get(one.number, Publicity(one.number))
        story = candidates[one.number].story
        found = recommended.get(one.number)
        people.append(
            AlbumPerson(
                name=one.name,
                award=document.award_of(one.number) or "nominee",
                trade=one.trade,
                employer=one.district
                if found is None
                else Text(found.form.employer, found.form.employer),
                story=Text(about.story.zh or story.zh, about.story.en or story.en),
                quotation=about.quotation,
                picture=await load_print_portrait(connection, contest.id, one.number)
                or await _portrait(connection, portraits.get(one.number)),
            )
        )
    year = str(result.visible_at.astimezone(panel.selection.zone).year)
    return Album(
        selection=panel.selection.title,
        subtitle=Text(year, year),
        foreword=FOREWORD,
        people=tuple(people),
        issuers=(ISSUER,),
    )


async def _portrait(connection: AnyConnection, picture: Picture | None) -> bytes | None:
    """The largest size there is."""
    if picture is None:
        return None
    return await load_file(connection, picture.hash, max(picture.widths, default=0), "webp")
