"""Rehearse a contest: every moment of it, one after another, under the fast clock."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from time import perf_counter
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from voting_service.contests.model import Contest, Platform
from voting_service.errors import VotingError
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.postgres.roles import url_with_role
from voting_service.rehearsal.announcement import Announcement
from voting_service.rehearsal.checks import check
from voting_service.rehearsal.crowd import HONEST_KINDS, Crowd, Visit
from voting_service.rehearsal.diary import Diary, DiaryEntry, Echo
from voting_service.rehearsal.findings import Finding
from voting_service.rehearsal.observer import Observer
from voting_service.rehearsal.schedule import (
    MOST_LAST_VOTERS,
    STRANGERS,
    Event,
    Name,
    Visits,
    days,
    events,
    last_voters,
    visible_from,
)
from voting_service.rehearsal.site import Site, open_site
from voting_service.rehearsal.staff import QUERIES, Staff
from voting_service.rehearsal.stores import RehearsalStage, open_stage
from voting_service.rehearsal.totals import (
    DayFigures,
    check_figures,
    load_attack_states,
    load_days,
)
from voting_service.rehearsal.visits import VisitFigures, Visitors
from voting_service.rehearsal.work import USUAL, Work, open_work
from voting_service.voting.rulings.model import BallotState

GROUP, GROUP_SPAN = 8, timedelta(minutes=3)
"""So many visits at most happen at once, of those within so long."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a rehearsal showed; `attacks` are the ballots of each by their state at the end."""

    announced: Announcement
    contest: Contest
    platforms: tuple[Platform, ...]
    voters: int
    findings: tuple[Finding, ...]
    entries: tuple[DiaryEntry, ...]
    figures: VisitFigures
    attacks: Mapping[str, Mapping[BallotState, int]]
    days: tuple[DayFigures, ...]
    observer: Observer
    seconds: float


class Scene(NamedTuple):
    """Everything that runs: stores, public site, jobs, and a connection of the staff."""

    stage: RehearsalStage
    site: Site
    work: Work
    connection: Connection


async def rehearse(
    announced: Announcement, *, people: ZoneInfo, voters: int, seed: int, echo: Echo
) -> Outcome:
    """Rehearse a contest with so many voters, who live in the zone `people`.

    Raises Unavailable when the stores do not start.
    """
    started = perf_counter()
    diary = Diary(announced.zone, echo)
    for finding in check(announced, people):
        diary.fail(finding)
    async with _open_scene(announced) as scene:
        rehearsal = Rehearsal(scene, announced, diary, seed)
        await rehearsal.run(voters)
        figures = rehearsal.visitors.figures
        return Outcome(
            announced=announced,
            contest=scene.stage.contest,
            platforms=scene.stage.platforms,
            voters=voters,
            findings=tuple(sorted(diary.findings, key=lambda finding: finding.at)),
            entries=tuple(sorted(diary.entries, key=lambda entry: entry.at)),
            figures=figures,
            attacks=await load_attack_states(scene.stage, figures),
            days=await load_days(scene.stage),
            observer=rehearsal.observer,
            seconds=perf_counter() - started,
        )


@asynccontextmanager
async def _open_scene(announced: Announcement) -> AsyncIterator[Scene]:
    async with open_stage(announced) as stage, open_site(stage) as site, open_work(stage) as work:
        url = url_with_role(stage.settings.database_url, "voting_staff")
        connection = await connect(url)
        try:
            yield Scene(stage, site, work, connection)
        finally:
            await connection.close()


class Rehearsal:
    """One run through the moments of a contest."""

    def __init__(self, scene: Scene, announced: Announcement, diary: Diary, seed: int) -> None:
        self._stage, self._work = scene.stage, scene.work
        self._announced = announced
        self._diary = diary
        self._staff = Staff(scene.stage, scene.connection, diary)
        self.observer = Observer(scene.stage, scene.site, diary)
        self.visitors = Visitors(scene.stage, scene.site)
        # The same seed rehearses the same contest.
        chance = random.Random(seed)  # noqa: S311
        self._crowd = Crowd(scene.stage, chance)
        self._published = False
        self._objection: str | None = None
        self._noted: set[str] = set()
        self._acts: Mapping[Name, Callable[[], Awaitable[None]]] = {
            "embargo": self._embargo,
            "published": self._profiles,
            "opened": self._open,
            "counts": self._counts,
            "blackout": self._blackout,
            "gather": self._gather,
            "sweep": self._sweep,
            "rule": self._rule,
            "correct": self._correct,
            "withdraw": self._withdraw,
            "tie_the_line": self._tie_the_line,
            "closed": self._close,
            "last_rulings": self._rule,
            "decide_tie": self._staff.decide_tie,
            "publish": self._publish,
            "cut_hidden": self._cut_hidden,
            "cut_public": self._cut_public,
            "object": self._object,
            "answer": self._answer,
        }

    @property
    def _contest(self) -> Contest:
        return self._stage.contest

    async def run(self, voters: int) -> None:
        """Go through the whole contest. What stops it is noted as a finding."""
        visits = Visits(self._crowd, voters)
        waiting = events(self._contest, self._announced.published_at, self._announced.blackout_at)
        try:
            for day in days(self._contest):
                until = self._contest.midnight_after(day)
                today = [event for event in waiting if event.at < until]
                waiting = waiting[len(today) :]
                await self._go_through(visits.of_day(day), today)
            for event in waiting:
                await self._do(event)
            await check_figures(self._stage, self.visitors.figures, self._diary)
        except VotingError as error:
            reason = Text(zh=error.zh, en=str(error))
            self._diary.fail(Finding("stopped", self._stage.clock(), {"reason": reason}))

    async def _go_through(self, visits: list[Visit], today: list[Event]) -> None:
        """Do the visits and the events of a day in the order of their moments."""
        group: list[Visit] = []

        async def send() -> None:
            if group:
                self._note_attacks(group)
                await self._stage.clock.jump(group[0].at)
                await self.visitors.visit([self._crowd.still_possible(visit) for visit in group])
                group.clear()

        steps: list[Visit | Event] = [*visits, *today]
        for step in sorted(steps, key=lambda step: step.at):
            if isinstance(step, Event):
                await send()
                await self._do(step)
                continue
            if len(group) == GROUP or (group and step.at - group[0].at > GROUP_SPAN):
                await send()
            group.append(step)
        await send()

    def _note_attacks(self, group: list[Visit]) -> None:
        for visit in group:
            if visit.kind not in (*HONEST_KINDS, *self._noted):
                self._noted.add(visit.kind)
                name = load_text("rehearsal", f"attacks.{visit.kind}")
                self._diary.note(visit.at, "attackers", "attack", attack=name)

    async def _do(self, event: Event) -> None:
        await self._stage.clock.jump(event.at)
        await self._acts[event.name]()

    async def _embargo(self) -> None:
        await self.observer.embargo(self._announced.published_at)

    async def _profiles(self) -> None:
        await self.observer.pages("profiles")

    async def _open(self) -> None:
        await self._work.do(*USUAL)
        await self.observer.pages("opened")

    async def _counts(self) -> None:
        await self._work.do(*USUAL)
        await self.observer.counts()

    async def _blackout(self) -> None:
        self.observer.blackout()

    async def _gather(self) -> None:
        await self._work.do(*USUAL, "audit_log_check")

    async def _sweep(self) -> None:
        await self._work.do(*USUAL, "sweep")

    async def _rule(self) -> None:
        await self._work.do(*USUAL)
        await self._staff.rule_on_holds(self.visitors.figures.guilty)
        await self._work.do("reconcile", "recount_audit")

    async def _correct(self) -> None:
        number = min(self._contest.standing)
        await self.observer.corrected(number, await self._staff.correct_name(number))

    async def _withdraw(self) -> None:
        """Withdraw somebody above the line, and try to choose them afterwards."""
        rules = self._contest.rules
        if len(self._contest.standing) <= max(rules.ballot.min_choices, 2):
            return
        number = self._crowd.by_popularity[rules.cut.size // 2]
        await self._staff.withdraw(number)
        self._crowd.forget(number)
        await self.observer.changes()
        if rules.ballot.min_choices == 1:
            now = self._stage.clock()
            coming = [
                Visit(now, self._crowd.person(), (number,), "withdrawn") for _ in range(STRANGERS)
            ]
            await self._go_through(coming, [])

    async def _tie_the_line(self) -> None:
        """Send the last voters: as many for the first below the line as the last above it leads.
        Of attackers' ballots those do not count that are still to be found, at the close."""
        is_examined = len(days(self._contest)) > 1
        to_find = [] if is_examined else list(self.visitors.figures.guilty)
        rows = await self._stage.owner.fetch(QUERIES["votes"], self._contest.id, to_find)
        votes = Counter({row["candidate"]: row["votes"] for row in rows})
        ranked = sorted(self._contest.standing, key=lambda number: (-votes[number], number))
        size = self._contest.rules.cut.size
        if size >= len(ranked):
            return
        lead = votes[ranked[size - 1]] - votes[ranked[size]]
        if lead <= MOST_LAST_VOTERS:
            coming = list(last_voters(self._crowd, ranked, lead, self._stage.clock()))
            await self._go_through(coming, [])

    async def _close(self) -> None:
        await self._work.do(*USUAL, "sweep")
        await self.observer.pages("closed")
        await self.observer.counts()

    async def _publish(self) -> None:
        await self._work.do("reconcile", "recount_audit")
        self._published = await self._staff.publish(visible_from(self._contest))

    async def _cut_hidden(self) -> None:
        await self.observer.cut_hidden(visible_from(self._contest))

    async def _cut_public(self) -> None:
        if self._published:
            await self.observer.cut_public()
        await self.observer.receipts(self.visitors.figures.receipts)

    async def _object(self) -> None:
        self._objection = await self.observer.object_to_outcome()

    async def _answer(self) -> None:
        await self._staff.answer_objections()
        if self._objection is not None:
            await self.observer.read_answer(self._objection)
