"""What an officer's request is about: only what their own body recommends is there for them."""

from __future__ import annotations

from datetime import date, datetime

import msgspec
from babel.dates import format_datetime
from starlette.requests import Request

from voting_service.accounts.model import Account
from voting_service.contests.model import Language
from voting_service.decisions.store import load_selection_decisions
from voting_service.desk.access import visitor
from voting_service.desk.cookies import language
from voting_service.desk.state import desk_of
from voting_service.errors import Fault, NotFound
from voting_service.journal.record import record
from voting_service.office.asked import selection_of
from voting_service.office.model import Body, Selection
from voting_service.office.recommendations.model import Recommendation, late_permissions, subject_of
from voting_service.office.recommendations.reading import load_recommendation
from voting_service.office.recommendations.steps import STEPS, Step
from voting_service.office.sealing import PersonalKeys
from voting_service.office.store import body_of
from voting_service.storage.postgres import AnyConnection
from voting_service.web.languages import LOCALES

PREFIX = "/selections/{slug}/recommendations"
ONE = f"{PREFIX}/{{recommendation:int}}"
_MAX_NUMBER = 2**31
_TO_THE_SECOND = {"zh": "y年M月d日 HH:mm:ss", "en": "d MMMM y, HH:mm:ss"}


class Asked(msgspec.Struct, frozen=True):
    """The officer, the body, and one of its recommendations; `until` is when submitting ends for
    it, later than for others where two people permitted that."""

    selection: Selection
    body: Body
    account: Account
    keys: PersonalKeys
    recommendation: Recommendation
    until: datetime
    now: datetime

    @property
    def path(self) -> str:
        return path_of(self.selection, self.recommendation.id)

    @property
    def is_late(self) -> bool:
        return self.now >= self.until

    @property
    def today(self) -> date:
        return self.now.astimezone(self.selection.zone).date()


def path_of(selection: Selection, recommendation_id: int) -> str:
    return f"/selections/{selection.slug}/recommendations/{recommendation_id}"


def keys_of(request: Request) -> PersonalKeys:
    return PersonalKeys.of(desk_of(request).settings)


async def asked_of(request: Request, connection: AnyConnection) -> Asked:
    """The recommendation of the path. Raises NotFound for another body's as for none."""
    account, keys = visitor(request).account, keys_of(request)
    selection = await selection_of(request, connection)
    body = await body_of(connection, account)
    number: int = request.path_params["recommendation"]
    if number >= _MAX_NUMBER:
        raise NotFound("there is no such recommendation", zh="没有这份推荐。")
    found = await load_recommendation(connection, keys, selection, number, body=body)
    permitted = late_permissions(await load_selection_decisions(connection, selection.id))
    until = max(selection.closes_at, permitted.get(number, selection.closes_at))
    return Asked(selection, body, account, keys, found, until, desk_of(request).clock())


async def record_look(connection: AnyConnection, asked: Asked, what: str = "form") -> None:
    """Nobody looks at a form or a file without a line in the journal."""
    await record(
        connection, asked.account.name, "viewed", contest=asked.selection.slug,
        subject=subject_of(asked.recommendation.id), details={"what": what},
    )  # fmt: skip


def step_asked(request: Request) -> Step:
    """The step of the path. Raises NotFound."""
    for step in STEPS:
        if step == request.path_params["step"]:
            return step
    raise NotFound("the form has no such step", zh="推荐表没有这一步。")


def in_words(fault: Fault, reader: Language) -> str:
    """A fault as a sentence beside its field."""
    if reader == "zh" and fault.zh:
        return fault.zh
    return fault.message[:1].upper() + fault.message[1:] + "."


def to_the_second(request: Request, selection: Selection, moment: datetime) -> str:
    """A moment in the selection's zone, for receipts."""
    reader = language(request)
    local = moment.astimezone(selection.zone)
    return format_datetime(local, _TO_THE_SECOND[reader], locale=LOCALES[reader])
