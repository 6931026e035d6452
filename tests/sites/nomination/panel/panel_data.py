"""Thirty candidates who came back from the vote, and seven experts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from tests.contest_data import (
    both,
    rules,
    store_contest,
)
from tests.cut_data import (
    CLOSES,
    DRAINED,
    OPENS,
    StoredBallot,
    insert_ballots,
)
from tests.nomination.form.people import complete_form, id_number
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.bodies.selection_data import SLUG, store_selection
from voting_service.contests.model import Contest, CutRules
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.awards.published_result import load_results
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.model import RecommendingBody, Selection
from voting_service.nomination.panel.aggregation import (
    Criterion,
    Method,
    PanelRules,
)
from voting_service.nomination.panel.repository import SheetAccess, save_sheet
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.form_encryption import encrypt_form
from voting_service.nomination.repository import load_selection
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import approval_kind
from voting_service.staff.approvals.repository import load_selection_approvals
from voting_service.staff.approvals.service import propose, record_approval
from voting_service.voting.cut.publication import approve, propose_publication

CUT = 30
CANDIDATES = 32
VOTE = "vote-2022"
PANEL = f"/selections/{SLUG}/panel"
RESULT = f"/selections/{SLUG}/result"
DOCUMENTS = f"/selections/{SLUG}/documents"
REPORT = f"/selections/{SLUG}/report"
SMALL = PanelRules(
    criteria=(Criterion("c1", both("技能"), 60, 100), Criterion("c2", both("业绩"), 40, 50)),
    method="trimmed_mean",
    trim=1,
    minimum_experts=5,
    discussion=False,
)
EXPERTS = tuple(f"expert-{letter}" for letter in "abcdefg")


@dataclass
class Chosen:
    """The selection after the vote; candidates 1 to 30 went on."""

    staff_app: StaffApp
    selection: Selection
    contest: Contest
    bodies: Mapping[str, RecommendingBody]
    tokens: dict[str, str] = field(default_factory=dict)

    async def seat(self, name: str, *, employer: str = "", body: str | None = None) -> Account:
        """An expert, without the way through an invitation."""
        account = await self.staff_app.account("expert", name)
        owner = await connect(self.staff_app.settings.migration_url)
        await owner.execute(
            "insert into nomination.experts (account_id, selection_id, employer, body_id)"
            " values ($1, $2, $3, $4)",
            account.id, self.selection.id, employer or f"评审单位 {name}",
            self.bodies[body].id if body else None,
        )  # fmt: skip
        await owner.close()
        self.tokens[name] = await self.staff_app.token("expert", name)
        return account

    async def seat_seven(self) -> None:
        for name in EXPERTS:
            await self.seat(name)

    def client(self, name: str) -> StaffClient:
        """The expert's browser."""
        return self.staff_app.client(self.tokens[name])

    async def set_rules(self, panel_rules: PanelRules = SMALL) -> None:
        await self.decide("panel", "rules/1", msgspec.to_builtins(panel_rules))

    async def decide(self, kind: Any, subject: str, payload: dict[str, Any]) -> int:
        """Proposed by one, approved by another."""
        database, now = self.staff_app.database, self.staff_app.clock()
        first = await self.staff_app.account("reviewer", "reviewer-1")
        other = await self.staff_app.account("supervisor", "supervisor-1")
        decision_id = await propose(
            Actor(database, first, now),
            self.selection,
            kind=approval_kind(kind),
            subject=subject,
            payload=payload,
        )
        for decision in await load_selection_approvals(database, self.selection.id):
            if decision.id == decision_id:
                await record_approval(Actor(database, other, now), self.selection, decision)
        return decision_id

    async def submit_sheet(
        self,
        name: str,
        points: Mapping[int, Sequence[str]],
        *,
        round_number: int = 1,
        submit: bool = True,
    ) -> None:
        """A sheet by (points for c1, points for c2)."""
        content = {str(n): {"c1": row[0], "c2": row[1]} for n, row in points.items()}
        access = SheetAccess(self.tokens[name], self.selection, round_number)
        await save_sheet(self.staff_app.database, access, content, submit=submit)

    async def finish_scoring(self, experts: Sequence[str] = EXPERTS) -> None:
        """Everybody gives the ladder; the round ends."""
        for name in experts:
            await self.submit_sheet(name, ladder())

    async def publish_result(self, **form: str) -> None:
        """Proposed at the console by one, approved by another."""
        reviewer = await self.staff_app.signed_in_client("reviewer")
        proposed = await reviewer.post(RESULT, data={"when": "approval", **form})
        assert proposed.status_code == 303, proposed.text
        decision = await self.staff_app.database.fetchval("select max(id) from approval_requests")
        supervisor = await self.staff_app.signed_in_client("supervisor")
        approved = await supervisor.post(f"{RESULT}/approvals/{decision}/approve", data={})
        assert approved.status_code == 303, approved.text


async def end_objections(staff_app: StaffApp, chosen: Chosen) -> None:
    """Let the objection period of the newest result be over, for the site's clock and the
    database's."""
    results = await load_results(staff_app.database, chosen.contest.id)
    staff_app.clock.set(results[-1].read().objections_end)
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute("alter table award_results disable trigger user")
    await owner.execute("update award_results set objections_until = now() - interval '1 second'")
    await owner.execute("alter table award_results enable trigger user")
    await owner.close()


def ladder(*, without: Sequence[int] = (), shift: int = 0) -> dict[int, tuple[str, str]]:
    """Points that put candidate 1 first and 30 last."""
    return {
        number: (str(100 - 2 * number - shift), "40")
        for number in range(1, CUT + 1)
        if number not in without
    }


async def chosen_thirty(staff_app: StaffApp) -> Chosen:
    """Thirty of thirty-two go on; candidate 3 was recommended by the north, candidate 4 works at
    示范机械有限公司, and candidate 5's deeds name a telephone number."""
    database, key = staff_app.database, staff_app.settings.master_key.get_secret_value()
    stored = await store_selection(database, staff_app.clock())
    contest = await store_contest(
        database, key, slug=VOTE, contest_rules=rules(cut=CutRules(size=CUT, tie="lot")),
        count=CANDIDATES, opens_at=OPENS, closes_at=CLOSES,
    )  # fmt: skip
    votes = [
        StoredBallot([number]) for number in range(1, CANDIDATES + 1)
        for _ in range(CANDIDATES + 1 - number)
    ]  # fmt: skip
    await insert_ballots(database, contest, votes)
    await publish_cut(staff_app, contest)
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute(
        "update nomination.selections set contest_id = $2 where id = $1",
        stored.selection.id, contest.id,
    )  # fmt: skip
    await owner.close()
    selection = await load_selection(database, SLUG)
    chosen = Chosen(staff_app, selection, contest, stored.bodies)
    await _recommend(chosen, 3, "north", complete_form(employer="北区机床厂"))
    await _recommend(chosen, 4, "health", complete_form(employer="示范机械有限公司"))
    await _recommend(
        chosen, 5, "south",
        complete_form(
            employer="南区电力公司",
            deeds="攻克轧机难题，节约 200 万元。联系电话 13800138000。",
            skills=f"身份证号 {id_number()}，家住重庆市渝中区示范路36号附2号。",
        ),
    )  # fmt: skip
    await staff_app.refresh()
    return chosen


async def publish_cut(staff_app: StaffApp, contest: Contest) -> None:
    clerk = await staff_app.account("tally_clerk", "tally_clerk-1")
    supervisor = await staff_app.account("supervisor", "supervisor-1")
    signing = load_signing_key(staff_app.settings.signing_key_file)
    now = DRAINED + timedelta(minutes=1)
    decision = await propose_publication(
        Actor(staff_app.database, clerk, now), contest, key=signing
    )
    await approve(Actor(staff_app.database, supervisor, now), contest, decision, key=signing)


async def _recommend(chosen: Chosen, number: int, body: str, form: RecommendationForm) -> None:
    """Behind a candidate's number a recommendation, as accepted and picked."""
    staff_app, selection = chosen.staff_app, chosen.selection
    officer = await staff_app.account("recommender", f"officer-{body}")
    by = chosen.bodies[body].id
    encrypted = encrypt_form(PersonalKeys.of(staff_app.settings), by, selection.slug, form)
    owner = await connect(staff_app.settings.migration_url)
    recommendation = await owner.fetchval(
        "insert into nomination.recommendations (selection_id, body_id, state, form, created_by,"
        " saved_by) values ($1, $2, 'accepted', $3, $4, $4) returning id",
        selection.id, by, encrypted, officer.id,
    )  # fmt: skip
    decision = await owner.fetchval("select min(id) from approval_requests")
    await owner.execute(
        "insert into nomination.shortlist_entries"
        " (recommendation_id, selection_id, number, approval_id) values ($1, $2, $3, $4)",
        recommendation, selection.id, number, decision,
    )  # fmt: skip
    await owner.close()


def with_rules(method: Method, *, discussion: bool = False) -> PanelRules:
    return msgspec.structs.replace(SMALL, method=method, discussion=discussion)
