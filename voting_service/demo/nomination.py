"""The demo's nomination, from the first recommendation to the shortlist's public vote.

Every step uses the functions that the pages use, with two people where two are needed. Only the
dates are moved into the past, as the owner of the tables, so that the demo need not wait. The
Chinese texts are demo data.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from voting_service.demo.placeholder_people import (
    FEW_PAGES,
    GRADES,
    evidence,
    evidence_pages,
    form,
    photo,
    stamp,
    stamped_page,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.form.industries import PILLAR_INDUSTRIES
from voting_service.nomination.form.model import EVIDENCE_PAGES
from voting_service.nomination.model import (
    BodyContact,
    NewSelection,
    RecommendingBody,
    Selection,
    SelectionRules,
    Slot,
)
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.model import File
from voting_service.nomination.recommendations.repository import load_recommendation
from voting_service.nomination.recommendations.service import (
    attach_file,
    create_draft,
    save_form,
    submit,
)
from voting_service.nomination.recommending_bodies import LISTED_BODIES
from voting_service.nomination.repository import (
    insert_body,
    insert_selection,
    load_bodies,
    load_selection,
)
from voting_service.nomination.review.joint_office_opinions import (
    NewOpinion,
    add_stamp,
    propose_opinion,
)
from voting_service.nomination.review.repository import (
    load_accepted_ids,
    load_submitted_recommendations,
)
from voting_service.nomination.review.service import give_score, give_verdict
from voting_service.nomination.shortlist.contest_file import default_settings
from voting_service.nomination.shortlist.contest_publication import (
    load_candidates,
    propose_contest_publication,
)
from voting_service.nomination.shortlist.profiles import save_profile
from voting_service.nomination.shortlist.public_notices import build_draw
from voting_service.nomination.shortlist.repository import load_numbers
from voting_service.nomination.shortlist.service import (
    approve_proposal,
    propose_seed,
    propose_shortlist,
    propose_source,
    publish_draw_notice,
    publish_shortlist_notice,
)
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.repository import find_approval, load_selection_approvals
from voting_service.staff.approvals.service import record_approval

SLUG = "bayu-2022"
RULES = SelectionRules(
    title=Text(
        zh="2022年“最美巴渝工匠”选树（演示）",
        en="Most Beautiful Bayu Craftsmen 2022, selection (demo)",
    ),
    industries=dict(PILLAR_INDUSTRIES),
    office_address=Text("（演示地址，不必报送）", "(demo address, send nothing)"),
    award=Text(zh="最美巴渝工匠", en="Most Beautiful Bayu Craftsmen"),
    document_code="渝高技办",
    contact_person="演示联系人",
    telephone="023-00000000",
    body_contacts={
        body.slug: BodyContact("人社局技能工作科", f"023-{60000000 + number}")
        for number, body in enumerate(LISTED_BODIES[:38], start=1)
    },
)
DEPARTMENTS: Mapping[str, Text] = {
    "industry": Text("市级工业主管部门（演示）", "Industry department (demo)"),
    "transport": Text("市级交通主管部门（演示）", "Transport department (demo)"),
    "agriculture": Text("市级农业主管部门（演示）", "Agriculture department (demo)"),
}
RECOMMENDED = 150
RECOMMENDED_SO_FAR = 40
"""Submitted recommendations of a demo that starts while recommendations are open."""
DRAFTS = 3
RETURNED = 6
SCORED = 30
WINDOW = timedelta(days=60)
VOTE = timedelta(days=31)
_DRAW_WAIT = timedelta(seconds=0.5)


class DemoSelection:
    """The steps of a nomination; `accounts` are those of accounts.json, by name."""

    def __init__(
        self,
        connection: Connection,
        master_key: bytes,
        accounts: Mapping[str, Account],
        clock: Clock,
    ) -> None:
        self.connection = connection
        self.keys = PersonalKeys(master_key)
        self.master_key = master_key
        self.accounts = accounts
        self.clock = clock
        self.bodies: tuple[RecommendingBody, ...] = ()

    async def begin(self) -> None:
        """Create the recommending bodies with their officers, and an open nomination."""
        for listed in LISTED_BODIES:
            await insert_body(self.connection, listed.slug, "district", listed.name)
        for slug, name in DEPARTMENTS.items():
            await insert_body(self.connection, slug, "department", name)
        self.bodies = await load_bodies(self.connection)
        for body in self.bodies:
            officer = self.accounts.get(f"officer-{body.slug}")
            if officer is not None:
                await self.connection.execute(
                    "insert into nomination.body_officers (account_id, body_id) values ($1, $2)",
                    officer.id,
                    body.id,
                )
        now = self.clock()
        await insert_selection(
            self.connection,
            NewSelection(
                slug=SLUG,
                rules=RULES,
                opens_at=now - WINDOW / 2,
                closes_at=now + WINDOW / 2,
            ),
        )

    async def selection(self) -> Selection:
        """Load the nomination."""
        return await load_selection(self.connection, SLUG)

    async def recommend(self, people: int) -> None:
        """Submit recommendations until there are `people`, from the bodies in turn, by quota."""
        selection = await self.selection()
        submitted = await self.connection.fetchval(
            "select count(*) from nomination.recommendations where state <> 'draft'"
        )
        stamped = await asyncio.to_thread(stamped_page)
        documents = await asyncio.to_thread(
            lambda: {n: evidence(n) for n in (FEW_PAGES, EVIDENCE_PAGES)}
        )
        photos = await asyncio.to_thread(lambda: [photo(number) for number in range(1, 100)])
        places = [
            body for turn in range(6) for body in self.bodies if turn < selection.quota(body.kind)
        ]
        for number, body in enumerate(places[submitted:people], submitted + 1):
            files: dict[Slot, File] = {
                "photo": photos[number % len(photos) - 1],
                "evidence": documents[evidence_pages(number)],
                "employer_scan": stamped,
                "body_scan": stamped,
            }
            await self._recommend(selection, body, number, files)

    async def _recommend(
        self,
        selection: Selection,
        body: RecommendingBody,
        number: int,
        files: Mapping[Slot, File],
    ) -> None:
        actor = self.acting(f"officer-{body.slug}", selection)
        made = await create_draft(actor, body, form(number, actor.now.date(), body))
        for slot, file in files.items():
            await attach_file(actor, made, slot, file)
        await submit(actor, await load_recommendation(self.connection, self.keys, selection, made))

    def acting(self, name: str, selection: Selection) -> SelectionActor:
        """The account of this name as the actor of a service."""
        return SelectionActor(self.actor(name), selection, self.keys)

    async def begin_drafts(self) -> None:
        """Create unfinished drafts."""
        selection, today = await self.selection(), self.clock().date()
        for place, body in enumerate(self.bodies[:DRAFTS], 1):
            unfinished = msgspec.structs.replace(
                form(RECOMMENDED + place, today, body), skills="", deeds="", achievements=()
            )
            await create_draft(self.acting(f"officer-{body.slug}", selection), body, unfinished)

    async def end_recommending(self) -> None:
        """Move the window for recommendations into the past."""
        now = self.clock()
        await self.connection.execute(
            "update nomination.selections set opens_at = $2, closes_at = $3 where slug = $1",
            SLUG,
            now - WINDOW,
            now - timedelta(hours=1),
        )

    async def return_some(self) -> None:
        """Return some for correction; they come back with corrected words, the first one also with
        other evidence."""
        selection = await self.selection()
        documents = await asyncio.to_thread(evidence, EVIDENCE_PAGES)
        rows = await self.connection.fetch(
            "select r.id, b.slug from nomination.recommendations r"
            " join nomination.bodies b on b.id = r.body_id"
            " where r.state = 'submitted' order by r.id limit $1",
            RETURNED,
        )
        for place, row in enumerate(rows):
            reason = "演示：请核实革新项目的数量和效益，并补充证明。"
            reviewer = self.acting("reviewer-1", selection)
            await give_verdict(reviewer, row["id"], "returned", reason)
            officer = self.acting(f"officer-{row['slug']}", selection)
            if place == 0:
                await attach_file(officer, row["id"], "evidence", documents)
            loaded = await load_recommendation(self.connection, self.keys, selection, row["id"])
            deeds = loaded.form.deeds.replace("九十七项", "六十三项").replace(
                "一千万元", "八百万元"
            )
            await save_form(officer, loaded, msgspec.structs.replace(loaded.form, deeds=deeds))
            corrected = await load_recommendation(self.connection, self.keys, selection, row["id"])
            await submit(officer, corrected)

    async def score_some(self) -> None:
        """Two reviewers have begun to give preliminary scores."""
        selection = await self.selection()
        rows = await self.connection.fetch(
            "select id from nomination.recommendations where state = 'submitted' order by id"
        )
        for place, row in enumerate(rows[:SCORED]):
            for turn, name in enumerate(("reviewer-1", "reviewer-2")):
                score = 72 + (place * 7 + turn * 5) % 25
                await give_score(self.acting(name, selection), row["id"], score)

    async def review(self) -> None:
        """Two reviewers read everything: nine of ten are accepted, the rest are rejected."""
        selection = await self.selection()
        reviewers = [self.acting(name, selection) for name in ("reviewer-1", "reviewer-2")]
        rows = await self.connection.fetch(
            "select id from nomination.recommendations where state = 'submitted' order by id"
        )
        for place, row in enumerate(rows):
            accepted = place % 10 != 9
            await give_verdict(
                reviewers[place % 2],
                row["id"],
                "accepted" if accepted else "rejected",
                "" if accepted else "演示：所附证明不足以支持推荐理由。",
            )

    async def choose(self) -> None:
        """Decide the shortlist, with two people."""
        selection = await self.selection()
        rows = await self.connection.fetch(
            "select id from nomination.recommendations where state = 'accepted' order by id"
        )
        spread = rows[:: len(rows) // selection.rules.shortlist_size][
            : selection.rules.shortlist_size
        ]
        await self.approve(
            await propose_shortlist(
                self.acting("reviewer-1", selection), [row["id"] for row in spread]
            )
        )

    async def give_opinion(self) -> None:
        """Give the joint office's opinion on everybody accepted, with a drawn stamp."""
        selection = await self.selection()
        reviewer = self.acting("reviewer-1", selection)
        await add_stamp(reviewer, await asyncio.to_thread(stamp))
        accepted = await load_accepted_ids(self.connection, selection)
        opinion = NewOpinion("同意推荐（演示）。", reviewer.today, tuple(accepted))
        await self.approve(await propose_opinion(reviewer, opinion))

    async def draw(self) -> None:
        """Their numbers, by a source that is named before it is known."""
        selection = await self.selection()
        known_at = self.clock() + _DRAW_WAIT
        await self.approve(
            await propose_source(
                self.acting("reviewer-1", selection),
                Text("演示用号码，并非真实抽签", "A number for the demo, nobody drew it"),
                known_at,
            )
        )
        await asyncio.sleep(_DRAW_WAIT.total_seconds())
        await self.approve(await propose_seed(self.acting("reviewer-1", selection), "20220701"))

    async def publish_shortlist_notice(self) -> None:
        """Publish the notice and move its period into the past."""
        connection, selection = self.connection, await self.selection()
        numbers = await load_numbers(connection, selection)
        all_submitted = {
            submitted.id: submitted
            for submitted in await load_submitted_recommendations(
                connection, self.keys, selection, [*numbers]
            )
        }
        decisions = await load_selection_approvals(connection, selection.id)
        tickets = [all_submitted[number].form_sha256.hex() for number in numbers]
        drawn = build_draw(selection, decisions, tickets)
        assert drawn is not None
        back = timedelta(days=selection.rules.notice_days + 2)
        earlier = Actor(connection, self.accounts["supervisor-1"], self.clock() - back)
        supervisor = SelectionActor(earlier, selection, self.keys)
        await publish_draw_notice(supervisor, drawn)
        await publish_shortlist_notice(supervisor)
        await connection.execute("alter table notices disable trigger user")
        await connection.execute(
            "update notices set published_at = published_at - $1::interval", back
        )
        await connection.execute("alter table notices enable trigger user")

    async def publish_to_contest(self) -> None:
        """Complete the public profiles and publish the shortlist to a contest that opens now."""
        connection, keys, selection = self.connection, self.keys, await self.selection()
        reviewer = self.acting("reviewer-1", selection)
        for candidacy in await load_candidates(connection, keys, selection):
            profile = msgspec.structs.replace(
                candidacy.profile,
                name=Text(candidacy.profile.name.zh, f"Placeholder {candidacy.number:02}"),
                trade=Text(candidacy.profile.trade.zh, f"Trade {candidacy.number:02}"),
                employer=Text(candidacy.profile.employer.zh, "Placeholder employer"),
                skill_grade=Text(
                    candidacy.profile.skill_grade.zh, GRADES[candidacy.profile.skill_grade.zh]
                ),
                summary=Text(candidacy.profile.summary.zh, "Placeholder, not a person."),
                story=Text(candidacy.profile.story.zh, "The story will appear here."),
            )
            await save_profile(reviewer, candidacy.submitted.id, profile)
        opens = reviewer.now.astimezone(selection.zone).replace(tzinfo=None, microsecond=0)
        settings = default_settings(selection, reviewer.now)
        for name, value in (
            ("slug", f'"{SLUG}"'),
            ("opens_at", opens.isoformat()),
            ("closes_at", (opens + VOTE).isoformat()),
        ):
            settings = re.sub(rf"(?m)^{name} = .*$", f"{name} = {value}", settings)
        proposed = await propose_contest_publication(reviewer, settings)
        supervisor = self.acting("supervisor-1", selection)
        await approve_proposal(supervisor, proposed, self.master_key)

    def actor(self, name: str) -> Actor:
        """A member of staff who acts now."""
        return Actor(self.connection, self.accounts[name], self.clock())

    async def approve(self, approval_id: int) -> None:
        """Approve a decision as the supervisor."""
        selection = await self.selection()
        decisions = await load_selection_approvals(self.connection, selection.id)
        request = find_approval(decisions, approval_id)
        await record_approval(self.actor("supervisor-1"), selection, request)
