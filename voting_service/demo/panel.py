"""The demo's selection from the vote to the announced result."""

from __future__ import annotations

from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.accounts.sessions import end_all_sessions, open_session
from voting_service.contests.model import Text
from voting_service.contests.store import load_contest
from voting_service.cut.publication import approve as approve_cut
from voting_service.cut.publication import propose_publication
from voting_service.decisions.store import (
    find_decision,
    load_selection_decisions,
)
from voting_service.demo.placeholder_people import numeral
from voting_service.demo.selection import SLUG, VOTE, DemoSelection
from voting_service.office.announcement.deciding import approve_result, propose_result
from voting_service.office.panel.aggregation import Criterion, PanelRules
from voting_service.office.panel.candidates import load_recommended, matches
from voting_service.office.panel.deciding import propose_close, propose_rules
from voting_service.office.panel.model import SCORING, Panel
from voting_service.office.panel.store import (
    declare_conflict,
    load_panel,
    notice_conflicts,
    save_sheet,
)
from voting_service.storage.database_clock import database_time
from voting_service.storage.queries import Queries
from voting_service.tally.record import advance_floor

QUERIES = Queries(__package__, "ballots.sql")
EXPERTS, ABSENT = 7, 5
PANEL_RULES = PanelRules(
    criteria=(
        Criterion("skill", Text("技能水平", "Skill"), 4, 100),
        Criterion("achievement", Text("业绩贡献", "Achievement"), 4, 100),
        Criterion("example", Text("示范带动", "Example to others"), 2, 100),
    ),
    method="trimmed_mean",
    trim=1,
    minimum_experts=5,
    discussion=False,
)
DRAIN = timedelta(minutes=5)
"""For how long the vote has been over, so that nothing of it can still be on its way."""


class DemoPanel(DemoSelection):
    """What follows when the fifty were handed over."""

    async def end_the_vote(self) -> None:
        """Some eleven thousand ballots, no two candidates alike, in a window that is over."""
        closes = self.clock().replace(microsecond=0) - DRAIN
        await self.connection.execute("alter table contests disable trigger user")
        await self.connection.execute(
            "update contests set opens_at = $2, closes_at = $3 where slug = $1",
            SLUG,
            closes - VOTE,
            closes,
        )
        await self.connection.execute("alter table contests enable trigger user")
        contest = await load_contest(self.connection, SLUG)
        await self.connection.execute(QUERIES["insert_ballots"], contest.id, closes - VOTE, closes)
        await advance_floor(self.connection, contest.id)

    async def publish_the_cut(self, key: Ed25519PrivateKey) -> None:
        """By two people, as at the desk."""
        connection, contest = self.connection, await load_contest(self.connection, SLUG)
        proposed = await propose_publication(
            connection, contest, self.accounts["clerk-1"], key=key,
            now=await database_time(connection),
        )  # fmt: skip
        await approve_cut(
            connection, contest, self.accounts["supervisor-1"], proposed, key=key,
            now=await database_time(connection),
        )  # fmt: skip

    async def seat_experts(self) -> None:
        """Seven, the last of whom works where a candidate does."""
        selection = await self.selection()
        for number in range(1, EXPERTS + 1):
            await self.connection.execute(
                "insert into office.experts (account_id, selection_id, employer, body_id) "
                "values ($1, $2, $3, $4)",
                self.accounts[f"expert-{number}"].id,
                selection.id,
                f"演示院校{numeral(number)}（占位）",
                self.bodies[0].id if number == EXPERTS else None,
            )

    async def panel(self) -> Panel:
        return await load_panel(self.connection, await self.selection(), self.clock())

    async def set_panel_rules(self) -> None:
        """Three criteria and a trimmed mean, without a discussion round."""
        proposed = await propose_rules(
            self.connection, await self.panel(), self.accounts["reviewer-1"], PANEL_RULES,
            self.clock(),
        )  # fmt: skip
        await self.approve(proposed)

    async def score(self) -> None:
        """Each scores whom they may judge; the first declares a conflict, the sixth is absent."""
        connection, panel = self.connection, await self.panel()
        for place, expert in enumerate(panel.experts):
            account = self.accounts[expert.name]
            token, _ = await open_session(connection, account, "127.0.0.0/24", self.clock())
            if place == 0:
                await declare_conflict(
                    connection, token, panel.selection, panel.cut[0], "曾共事（演示）"
                )
            found = matches(expert, await load_recommended(connection, self.keys, panel))
            await notice_conflicts(connection, expert, found)
            panel = await self.panel()
            if place != ABSENT:
                sheet = {
                    str(number): {
                        criterion.key: str(
                            60 + (number * 7 + place * 3 + at * 5) % (criterion.max_points - 59)
                        )
                        for at, criterion in enumerate(PANEL_RULES.criteria)
                    }
                    for number in panel.judged_by(expert.account_id)
                }
                await save_sheet(connection, token, panel.selection, SCORING, sheet, hand_in=True)
            await end_all_sessions(connection, account.id, self.clock())
        await self.approve(
            await propose_close(
                connection, await self.panel(), self.accounts["reviewer-1"], SCORING, self.clock()
            )
        )

    async def announce_the_result(self, key: Ed25519PrivateKey) -> None:
        """Ten and ten, by two people, shown at once."""
        connection, panel = self.connection, await self.panel()
        proposed = await propose_result(
            connection, panel, self.accounts["reviewer-1"],
            key=key, keys=self.keys, now=self.clock(),
        )  # fmt: skip
        decisions = await load_selection_decisions(connection, panel.selection.id)
        await approve_result(
            connection, panel, self.accounts["supervisor-1"], find_decision(decisions, proposed),
            key=key, keys=self.keys, now=self.clock(),
        )  # fmt: skip
