"""What else waits for somebody, by role: each task in words, with the page where it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from starlette.requests import Request

from voting_service.contests.objections.repository import count_unanswered
from voting_service.contests.objections.service import ANSWERERS
from voting_service.i18n.formatting import written_deadline, written_list, written_number
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.model import REVIEWERS, Selection
from voting_service.nomination.panel.model import Panel
from voting_service.nomination.panel.outcome import current_round, load_panel_outcome
from voting_service.nomination.panel.repository import load_panel
from voting_service.nomination.waiting import load_officer_work, load_review_counts
from voting_service.sites.console.contests import contest_cache
from voting_service.sites.console.jobs.views import READERS as JOB_READERS
from voting_service.sites.console.jobs.views import SHOWN as JOBS_SHOWN
from voting_service.sites.console.messages.views import READERS as MESSAGE_READERS
from voting_service.sites.shared.signed_in.access import current_user
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.invitations import APPROVERS, load_invitations
from voting_service.staff.accounts.model import Account, Role
from voting_service.staff.approvals.model import DECIDERS
from voting_service.staff.jobs.service import list_jobs
from voting_service.staff.messages.service import count_failed
from voting_service.voting.rulings.repository import count_open_holds


class Task(NamedTuple):
    """Something to do, in words, and where."""

    words: str
    href: str


class TaskReader(NamedTuple):
    """For whom the tasks are, and what is needed to write them."""

    request: Request
    connection: AnyConnection
    selections: Mapping[int, Selection]

    @property
    def account(self) -> Account:
        return current_user(self.request).account

    @property
    def now(self) -> datetime:
        return get_state(self.request).clock()

    def task(self, name: str, href: str, **values: str | int) -> Task:
        """Return a task; its text has counts written as the reader writes them."""
        reader = language(self.request)
        texts = get_state(self.request).theme.texts(reader)["console"]["tasks"]
        written = {
            key: written_number(value, reader) if isinstance(value, int) else value
            for key, value in values.items()
        }
        return Task(texts[name].format(**written), href)

    def title(self, selection: Selection) -> str:
        return str(getattr(selection.title, language(self.request)))

    def end(self, selection: Selection, until: datetime) -> str:
        return written_deadline(until, selection.zone, language(self.request))


async def load_tasks(reader: TaskReader) -> list[Task]:
    """Return what waits for the user, apart from approvals."""
    role = reader.account.role
    parts: list[tuple[tuple[Role, ...], AsyncIterator[Task]]] = [
        (DECIDERS, _holds(reader)),
        (ANSWERERS, _online_objections(reader)),
        (REVIEWERS, _reviews(reader)),
        (APPROVERS, _invitations(reader)),
        (MESSAGE_READERS, _failed_messages(reader)),
        (JOB_READERS, _failed_jobs(reader)),
        (("recommender",), _submissions(reader)),
        (("expert",), _sheets(reader)),
    ]
    return [task for roles, part in parts if role in roles async for task in part]


async def _holds(reader: TaskReader) -> AsyncIterator[Task]:
    counts = await count_open_holds(reader.connection)
    for contest in contest_cache(reader.request).contests.values():
        if count := counts.get(contest.id):
            title = getattr(contest.rules.title, language(reader.request))
            yield reader.task("holds", f"/contests/{contest.slug}/holds", count=count, title=title)


async def _online_objections(reader: TaskReader) -> AsyncIterator[Task]:
    if count := await count_unanswered(reader.connection):
        yield reader.task("online_objections", "/objections", count=count)


async def _reviews(reader: TaskReader) -> AsyncIterator[Task]:
    for work in await load_review_counts(reader.connection, reader.account):
        selection = reader.selections[work.selection_id]
        base, title = f"/selections/{selection.slug}", reader.title(selection)
        if work.assigned:
            mine = f"{base}/review?assignee={reader.account.id}&state=submitted"
            yield reader.task("assigned", mine, count=work.assigned, title=title)
        if others := work.submitted - work.assigned:
            every = f"{base}/review?state=submitted"
            yield reader.task("reviews", every, count=others, title=title)
        if work.objections:
            yield reader.task("objections", f"{base}/notice", count=work.objections, title=title)


async def _invitations(reader: TaskReader) -> AsyncIterator[Task]:
    count = sum(
        invitation.waits
        and invitation.is_open(reader.now)
        and invitation.inviter != reader.account.name
        for invitation in await load_invitations(reader.connection)
    )
    if count:
        yield reader.task("invitations", "/accounts", count=count)


async def _failed_messages(reader: TaskReader) -> AsyncIterator[Task]:
    if count := await count_failed(reader.connection, reader.now):
        yield reader.task("messages", "/messages?state=failed", count=count)


async def _failed_jobs(reader: TaskReader) -> AsyncIterator[Task]:
    jobs = await list_jobs(reader.connection, limit=JOBS_SHOWN)
    if count := sum(job.state in ("failed", "interrupted") for job in jobs):
        yield reader.task("jobs", "/jobs", count=count)


async def _submissions(reader: TaskReader) -> AsyncIterator[Task]:
    work = await load_officer_work(reader.connection, reader.account, reader.now)
    for selection in reader.selections.values():
        base, title = f"/selections/{selection.slug}/recommendations", reader.title(selection)
        own = [unsent for unsent in work if unsent.selection_id == selection.id]
        for unsent in own:
            if unsent.state == "returned":
                until = reader.end(selection, unsent.ends_at)
                number = str(unsent.id)
                yield reader.task("returned", f"{base}/{number}", number=number, until=until)
        if drafts := [unsent for unsent in own if unsent.state == "draft"]:
            until = reader.end(selection, min(draft.ends_at for draft in drafts))
            yield reader.task("drafts", base, count=len(drafts), until=until, title=title)
        elif selection.is_open(reader.now):
            until = reader.end(selection, selection.closes_at)
            yield reader.task("deadline", base, until=until, title=title)


async def _sheets(reader: TaskReader) -> AsyncIterator[Task]:
    for selection in reader.selections.values():
        panel = await load_panel(reader.connection, selection, reader.now)
        if panel.expert(reader.account.id) is None:
            continue
        number = current_round(panel, await load_panel_outcome(reader.connection, panel))
        if number is not None:
            for task in _of_round(reader, panel, number):
                yield task


def _of_round(reader: TaskReader, panel: Panel, number: int) -> Iterator[Task]:
    base, title = f"/selections/{panel.selection.slug}/panel", reader.title(panel.selection)
    absent, own = panel.absent(number), reader.account.id
    if own in absent:
        yield reader.task("sheet", base, round=number, title=title)
    others = [expert.name for expert in panel.experts if expert.account_id in set(absent) - {own}]
    if others and panel.led_by(reader.account):
        names = written_list(others, language(reader.request))
        yield reader.task("absent", base, round=number, names=names, title=title)
