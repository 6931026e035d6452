"""The demo's selection: the work of officers and reviewers until the fifty go to the vote.

Everything is done with the functions that the pages use, by two people where it takes two; only
the calendar is put back, as the tables' owner, for nobody waits for a deadline here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from voting_service.accounts.model import Account
from voting_service.clock import Clock
from voting_service.contests.model import Text
from voting_service.decisions.store import (
    find_decision,
    load_selection_decisions,
    record_approval,
)
from voting_service.demo.placeholder_people import evidence, form, photo
from voting_service.office.body_list import LISTED_BODIES
from voting_service.office.industries import PILLAR_INDUSTRIES
from voting_service.office.model import Body, Selection, SelectionRules, Slot
from voting_service.office.picks.hand_over import (
    approve_hand_over,
    default_settings,
    load_candidacies,
    propose_hand_over,
)
from voting_service.office.picks.profiles import save_profile
from voting_service.office.picks.public_notices import (
    draw_of,
    fifty_notice,
    publish_draw,
    publish_fifty,
)
from voting_service.office.picks.store import (
    load_numbers,
    propose_picks,
    propose_seed,
    propose_source,
)
from voting_service.office.recommendations.model import File
from voting_service.office.recommendations.reading import load_recommendation
from voting_service.office.recommendations.store import attach_file, create_draft, review, submit
from voting_service.office.review.reading import load_dossiers
from voting_service.office.sealing import PersonalKeys
from voting_service.office.store import (
    insert_body,
    insert_selection,
    load_bodies,
    load_selection,
)
from voting_service.storage.postgres import Connection

SLUG = "bayu-2022"
RULES = SelectionRules(
    title=Text(
        zh="2022年“最美巴渝工匠”选树（演示）",
        en="Most Beautiful Bayu Craftsmen 2022, selection (demo)",
    ),
    industries=dict(PILLAR_INDUSTRIES),
)
DEPARTMENTS: Mapping[str, Text] = {
    "industry": Text("市级工业主管部门（演示）", "Industry department (demo)"),
    "transport": Text("市级交通主管部门（演示）", "Transport department (demo)"),
    "agriculture": Text("市级农业主管部门（演示）", "Agriculture department (demo)"),
}
RECOMMENDED = 150
RECOMMENDED_SO_FAR = 40
"""While recommending still goes on."""
DRAFTS = 3
WINDOW = timedelta(days=60)
VOTE = timedelta(days=31)
_KNOWN_IN = timedelta(seconds=0.5)


class DemoSelection:
    """A selection in the making; `accounts` are those of accounts.json, by name."""

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
        self.bodies: tuple[Body, ...] = ()

    async def begin(self) -> None:
        """Bodies with their officers, and a selection that takes recommendations."""
        for listed in LISTED_BODIES:
            await insert_body(self.connection, listed.slug, "district", listed.name)
        for slug, name in DEPARTMENTS.items():
            await insert_body(self.connection, slug, "department", name)
        self.bodies = await load_bodies(self.connection)
        for body in self.bodies:
            officer = self.accounts.get(f"officer-{body.slug}")
            if officer is not None:
                await self.connection.execute(
                    "insert into office.body_officers (account_id, body_id) values ($1, $2)",
                    officer.id,
                    body.id,
                )
        now = self.clock()
        await insert_selection(
            self.connection,
            slug=SLUG,
            rules=RULES,
            opens_at=now - WINDOW / 2,
            closes_at=now + WINDOW / 2,
        )

    async def selection(self) -> Selection:
        return await load_selection(self.connection, SLUG)

    async def recommend(self, people: int) -> None:
        """Complete recommendations up to so many, handed in by the bodies in turn as their places
        allow."""
        selection = await self.selection()
        done = await self.connection.fetchval(
            "select count(*) from office.recommendations where state <> 'draft'"
        )
        proof = await asyncio.to_thread(evidence)
        photos = await asyncio.to_thread(lambda: [photo(number) for number in range(1, 100)])
        places = [body for turn in range(6) for body in self.bodies
                  if turn < selection.quota(body.kind)]  # fmt: skip
        for number, body in enumerate(places[done:people], done + 1):
            await self._recommend(selection, body, number, photos[number % len(photos) - 1], proof)

    async def _recommend(
        self, selection: Selection, body: Body, number: int, portrait: File, proof: File
    ) -> None:
        connection, keys = self.connection, self.keys
        officer, today = self.accounts[f"officer-{body.slug}"], self.clock().date()
        made = await create_draft(
            connection, keys, selection, body=body, account=officer, form=form(number, today)
        )
        slots: tuple[tuple[Slot, File], ...] = (("photo", portrait), ("evidence", proof))
        for slot, file in slots:
            await attach_file(
                connection, keys, selection, made, slot=slot, file=file, account=officer
            )
        loaded = await load_recommendation(connection, keys, selection, made)
        await submit(connection, keys, selection, loaded, officer, today=today)

    async def begin_drafts(self) -> None:
        """Forms that somebody has begun and not finished."""
        selection, today = await self.selection(), self.clock().date()
        for place, body in enumerate(self.bodies[:DRAFTS], 1):
            begun = msgspec.structs.replace(
                form(RECOMMENDED + place, today), skills="", deeds="", achievements=()
            )
            await create_draft(
                self.connection, self.keys, selection, body=body,
                account=self.accounts[f"officer-{body.slug}"], form=begun,
            )  # fmt: skip

    async def end_recommending(self) -> None:
        """Puts the window into the past."""
        now = self.clock()
        await self.connection.execute(
            "update office.selections set opens_at = $2, closes_at = $3 where slug = $1",
            SLUG,
            now - WINDOW,
            now - timedelta(hours=1),
        )

    async def review(self) -> None:
        """Two reviewers read everything: nine of ten are accepted, the rest turned down."""
        reviewers = (self.accounts["reviewer-1"], self.accounts["reviewer-2"])
        rows = await self.connection.fetch(
            "select id from office.recommendations where state = 'submitted' order by id"
        )
        for place, row in enumerate(rows):
            accepted = place % 10 != 9
            await review(
                self.connection,
                self.keys,
                row["id"],
                verdict="accepted" if accepted else "rejected",
                reason="" if accepted else "演示：所附证明不足以支持推荐理由。",
                account=reviewers[place % 2],
            )

    async def choose(self) -> None:
        """The fifty, by two people."""
        selection = await self.selection()
        rows = await self.connection.fetch(
            "select id from office.recommendations where state = 'accepted' order by id"
        )
        spread = rows[:: len(rows) // selection.rules.picks][: selection.rules.picks]
        await self.approve(
            await propose_picks(
                self.connection,
                selection,
                self.accounts["reviewer-1"],
                [row["id"] for row in spread],
                now=self.clock(),
            )
        )

    async def draw(self) -> None:
        """Their numbers, by a source that is named before it is known."""
        selection, reviewer = await self.selection(), self.accounts["reviewer-1"]
        known_at = self.clock() + _KNOWN_IN
        await self.approve(
            await propose_source(
                self.connection,
                selection,
                reviewer,
                source=Text("演示用号码，并非真实抽签", "A number for the demo, nobody drew it"),
                known_at=known_at,
                now=self.clock(),
            )
        )
        await asyncio.sleep(_KNOWN_IN.total_seconds())
        await self.approve(
            await propose_seed(
                self.connection, selection, reviewer, drawn="20220701", now=self.clock()
            )
        )

    async def announce_the_fifty(self) -> None:
        """The notice, whose period is put into the past."""
        connection, selection = self.connection, await self.selection()
        numbers = await load_numbers(connection, selection)
        dossiers = {
            one.id: one for one in await load_dossiers(connection, self.keys, selection, [*numbers])
        }
        decisions = await load_selection_decisions(connection, selection.id)
        tickets = [dossiers[one].form_sha256.hex() for one in numbers]
        drawn, supervisor = draw_of(selection, decisions, tickets), self.accounts["supervisor-1"]
        assert drawn is not None
        back = timedelta(days=selection.rules.notice_days + 2)
        then = self.clock() - back
        await publish_draw(connection, selection, supervisor, drawn, then)
        notice = fifty_notice(selection, dossiers, numbers, drawn, then)
        await publish_fifty(connection, selection, supervisor, notice, numbers)
        await connection.execute("alter table notices disable trigger user")
        await connection.execute(
            "update notices set published_at = published_at - $1::interval", back
        )
        await connection.execute("alter table notices enable trigger user")

    async def hand_over(self) -> None:
        """Public texts in both languages, and the contest that opens now."""
        connection, keys, selection = self.connection, self.keys, await self.selection()
        reviewer, now = self.accounts["reviewer-1"], self.clock()
        for each in await load_candidacies(connection, keys, selection):
            profile = msgspec.structs.replace(
                each.profile,
                name=Text(each.profile.name.zh, f"Placeholder {each.number:02}"),
                trade=Text(each.profile.trade.zh, f"Trade of placeholder {each.number:02}"),
                summary=Text(each.profile.summary.zh, "Placeholder for the demo; not a person."),
                story=Text(each.profile.story.zh, "The deeds will be told here."),
            )
            await save_profile(
                connection, keys, selection, each.dossier.id, profile=profile, account=reviewer
            )
        opens = now.astimezone(selection.zone).replace(tzinfo=None, microsecond=0)
        settings = default_settings(selection, now)
        for name, value in (
            ("slug", f'"{SLUG}"'),
            ("opens_at", opens.isoformat()),
            ("closes_at", (opens + VOTE).isoformat()),
        ):
            settings = re.sub(rf"(?m)^{name} = .*$", f"{name} = {value}", settings)
        proposed = await propose_hand_over(
            connection, keys, selection, reviewer, settings=settings, now=now
        )
        await approve_hand_over(
            connection, keys, selection, self.accounts["supervisor-1"], proposed,
            master_key=self.master_key, now=self.clock(),
        )  # fmt: skip

    async def approve(self, decision_id: int) -> None:
        """The second person's word."""
        selection = await self.selection()
        decisions = await load_selection_decisions(self.connection, selection.id)
        await record_approval(
            self.connection,
            selection,
            find_decision(decisions, decision_id),
            self.accounts["supervisor-1"],
            self.clock(),
        )
