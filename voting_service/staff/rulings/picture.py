"""The picture of a hold as the hold's page draws it, and in words what one sees."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.antifraud.user_agents import CLASSES
from voting_service.contests.model import Contest
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.cookies import language
from voting_service.desk.rendering import moment_text
from voting_service.desk.state import contest_of, desk_of
from voting_service.journal.record import record
from voting_service.rulings.holds import load_hold
from voting_service.staff.tally.reading import READERS, json_answer, platform_names
from voting_service.tally.hold_picture import STEPS, HoldPicture, load_hold_picture

LONG_SECONDS = 60.0
_HASH_DIGITS = 8


@signed_in(*READERS)
async def picture_json(request: Request) -> Response:
    """For charts.js: a heat map, and `words`."""
    desk, contest = desk_of(request), contest_of(request)
    async with desk.long_connection(LONG_SECONDS) as connection:
        hold = await load_hold(connection, contest, request.path_params["hold"])
        found = await load_hold_picture(connection, contest, hold)
        await record(
            connection,
            visitor(request).account.name,
            "viewed",
            contest=contest.slug,
            subject=f"picture of hold {hold.id}",
        )
    return json_answer(heat_map(request, contest, found))


def heat_map(request: Request, contest: Contest, picture: HoldPicture) -> dict[str, Any]:
    """Two rows a value: what was cast, and below it what is usual; one scale for all."""
    texts = desk_of(request).face.texts(language(request))["picture"]
    names = [*(_named(request, picture, value) for value in picture.frame.values), texts["others"]]
    rows, values = [], []
    for name, cast, usual in zip(names, picture.observed, picture.expected, strict=True):
        rows += [texts["cast"].format(value=name), texts["usual"].format(value=name)]
        values += [list(cast), [round(each, 1) for each in usual]]
    return {
        "columns": [
            _clock(picture.frame.begins + n * picture.frame.step, contest) for n in range(STEPS)
        ],
        "rows": rows,
        "values": values,
        "words": _words(request, contest, picture, texts),
    }


def _clock(moment: datetime, contest: Contest) -> str:
    return f"{moment.astimezone(contest.zone):%m-%d %H:%M}"


def _named(request: Request, picture: HoldPicture, value: str) -> str:
    """Hashes by their first digits, the rest by its name."""
    if picture.frame.kind == "platform":
        return platform_names(request).get(int(value), value)
    if picture.frame.kind == "agent":
        known = CLASSES.get(int(value))
        return known.name if known else value
    return value if picture.frame.kind == "account" else value[:_HASH_DIGITS]


def _words(
    request: Request, contest: Contest, picture: HoldPicture, texts: Mapping[str, Any]
) -> str:
    def total(rows: tuple[tuple[float, ...], ...]) -> str:
        return f"{sum(map(sum, rows)):.0f}"

    said: str = texts["words"]
    return said.format(
        begins=moment_text(request, picture.frame.begins, contest),
        ends=moment_text(request, picture.frame.ends, contest),
        candidate=picture.frame.candidate,
        count=len(picture.frame.values),
        kind=texts["kinds"][picture.frame.kind],
        cast=total(picture.observed[:-1]),
        usual=total(picture.expected[:-1]),
        mine=picture.mine,
        others_cast=total(picture.observed[-1:]),
        others_usual=total(picture.expected[-1:]),
    )


ROUTES = [Route("/contests/{slug}/holds/{hold:int}/picture.json", picture_json)]
