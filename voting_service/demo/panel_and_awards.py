"""The demo's nomination from the public vote to the published result."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.contests.repository import load_contest
from voting_service.demo.nomination import (
    SLUG,
    VOTE,
    DemoSelection,
)
from voting_service.demo.past_contest import insert_ballots, publish_cut
from voting_service.demo.placeholder_people import numeral
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.nomination.awards.document_service import issue_certificates
from voting_service.nomination.awards.service import (
    ResultKeys,
    ResultProposal,
    approve_result,
    propose_result,
)
from voting_service.nomination.panel.aggregation import Criterion, PanelRules
from voting_service.nomination.panel.candidates import load_recommended
from voting_service.nomination.panel.conflicts import (
    encrypt_reason,
    find_conflicts,
    insert_declared_conflict,
    insert_detected_conflicts,
)
from voting_service.nomination.panel.model import SCORING, Panel
from voting_service.nomination.panel.repository import (
    SheetAccess,
    load_panel,
    save_sheet,
)
from voting_service.nomination.panel.service import propose_close, propose_rules
from voting_service.staff.accounts.sessions import end_all_sessions, hash_token, new_token

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
"""How long the vote has been over, so that no vote can still be on its way."""


class DemoPanel(DemoSelection):
    """The steps after the shortlist was published to the contest."""

    result_age = timedelta()
    """How long the result has been out: 0, or longer than its objection period."""

    async def end_the_vote(self) -> None:
        """Store about eleven thousand ballots, without ties, and move the vote into the past."""
        closes = self.clock().replace(microsecond=0) - DRAIN - 2 * self.result_age
        await self.connection.execute("alter table contests disable trigger user")
        await self.connection.execute(
            "update contests set opens_at = $2, closes_at = $3 where slug = $1",
            SLUG,
            closes - VOTE,
            closes,
        )
        await self.connection.execute("alter table contests enable trigger user")
        contest = await load_contest(self.connection, SLUG)
        await insert_ballots(self.connection, contest)

    async def publish_the_cut(self, key: Ed25519PrivateKey) -> None:
        """Publish the cut, with two people."""
        contest = await load_contest(self.connection, SLUG)
        await publish_cut(self.connection, contest, self.accounts, key)
        await self.connection.execute("alter table publications disable trigger user")
        await self.connection.execute(
            "update publications set published_at = published_at - $2::interval"
            " where contest_id = $1",
            contest.id,
            1.5 * self.result_age,
        )
        await self.connection.execute("alter table publications enable trigger user")

    async def seat_experts(self) -> None:
        """Appoint seven experts; the last belongs to a body that recommended candidates."""
        selection = await self.selection()
        for number in range(1, EXPERTS + 1):
            await self.connection.execute(
                "insert into nomination.experts (account_id, selection_id, employer, body_id) "
                "values ($1, $2, $3, $4)",
                self.accounts[f"expert-{number}"].id,
                selection.id,
                f"演示院校{numeral(number)}（占位）",
                self.bodies[0].id if number == EXPERTS else None,
            )

    async def panel(self) -> Panel:
        """Load the panel."""
        return await load_panel(self.connection, await self.selection(), self.clock())

    async def set_panel_rules(self) -> None:
        """Three criteria and a trimmed mean, no discussion round; the second expert chairs."""
        rules = msgspec.structs.replace(PANEL_RULES, chair=self.accounts["expert-2"].id)
        proposed = await propose_rules(self.actor("reviewer-1"), await self.panel(), rules)
        await self.approve(proposed)

    async def score(self) -> None:
        """Let experts score; the first declares a conflict of interest, the sixth is absent."""
        connection, panel = self.connection, await self.panel()
        for place, expert in enumerate(panel.experts):
            account = self.accounts[expert.name]
            token = new_token()
            await connection.execute(
                QUERIES["insert_session"], hash_token(token), account.id, self.clock()
            )
            if place == 0:
                await insert_declared_conflict(
                    connection,
                    token,
                    panel.selection,
                    panel.cut[0],
                    encrypt_reason(self.keys, account.id, panel.cut[0], "曾共事（演示）"),
                )
            conflicts = find_conflicts(expert, await load_recommended(connection, self.keys, panel))
            await insert_detected_conflicts(connection, expert, conflicts)
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
                access = SheetAccess(token, panel.selection, SCORING)
                await save_sheet(connection, access, sheet, submit=True)
            await end_all_sessions(connection, account.id, self.clock())
        await self.approve(
            await propose_close(self.actor("reviewer-1"), await self.panel(), SCORING)
        )

    async def announce_the_result(self, key: Ed25519PrivateKey) -> None:
        """Ten and ten, by two people, shown at once."""
        keys = ResultKeys(key, self.keys)
        proposer, approver = (
            self.actor(name)._replace(now=self.clock() - self.result_age)
            for name in ("reviewer-1", "supervisor-1")
        )
        proposed = await propose_result(proposer, keys, await self.panel(), ResultProposal())
        await approve_result(approver, keys, await self.panel(), proposed)

    async def issue_certificates(self) -> None:
        """Number the certificates of a result that nobody may object to any more."""
        await issue_certificates(self.actor("reviewer-1"), await self.panel())
