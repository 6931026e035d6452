"""The demo's selection: a year's work of officers and reviewers, done up to a stage.

Everything is done with the functions that the pages use, by two people where it takes two; only
the calendar is put back, as the tables' owner, for nobody waits for a deadline here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Literal, get_args

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.accounts.model import Account, Role
from voting_service.accounts.sessions import end_all_sessions, open_session
from voting_service.clock import Clock
from voting_service.contests.model import Text
from voting_service.contests.store import load_contest
from voting_service.cut.publication import approve, database_time, propose_publication
from voting_service.decisions.store import (
    find_decision,
    load_selection_decisions,
    record_approval,
)
from voting_service.demo.placeholder_people import evidence, form, numeral, photo
from voting_service.office.announcement.deciding import approve_result, propose_result
from voting_service.office.body_list import LISTED_BODIES
from voting_service.office.industries import PILLAR_INDUSTRIES
from voting_service.office.model import Body, Selection, SelectionRules, Slot
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
from voting_service.office.recommendations.store import (
    attach_file,
    create_draft,
    load_recommendation,
    review,
    submit,
)
from voting_service.office.review.reading import load_dossiers
from voting_service.office.sealing import PersonalKeys
from voting_service.office.store import (
    insert_body,
    insert_selection,
    load_bodies,
    load_selection,
)
from voting_service.storage.postgres import Connection
from voting_service.tally.record import advance_floor

Stage = Literal["recommendation", "review", "vote", "panel", "result"]
STAGES: tuple[Stage, ...] = get_args(Stage)

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
VOTE = timedelta(days=31)
DRAIN = timedelta(minutes=5)
"""For how long the vote has been over, so that nothing of it can still be on its way."""
BALLOTS = """
insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at, ballot_id,
                     voter, choices)
select $1, 1, 0, true, (cast_at at time zone 'Asia/Shanghai')::date, cast_at,
       substring(int8send((extract(epoch from cast_at) * 1000)::bigint) from 3)
           || substring(uuid_send(gen_random_uuid()) from 7),
       uuid_send(gen_random_uuid()), array[candidate]::smallint[]
  from (select candidate, date_trunc('milliseconds', $2::timestamptz + ($3 - $2::timestamptz)
                   * (n + random()) / (401 - 7 * candidate)) as cast_at
          from generate_series(1, 50) as candidate,
               generate_series(0, 400 - 7 * candidate) as n
        offset 0) as cast_ballots"""
_KNOWN_IN = timedelta(seconds=0.5)


def guests(stage: Stage | None) -> Mapping[str, Role]:
    """Accounts beside the staff's: an officer of every body where they recommend, of three where
    nobody has begun, and the experts."""
    slugs = [*(listed.slug for listed in LISTED_BODIES), *DEPARTMENTS]
    if stage is None:
        slugs = ["yuzhong", "shapingba", "industry"]
    found: dict[str, Role] = {f"officer-{slug}": "recommender" for slug in slugs}
    if stage in {"panel", "result"}:
        found |= {f"expert-{number}": "expert" for number in range(1, EXPERTS + 1)}
    return found


Step = tuple[str, Callable[[], Awaitable[None]]]


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

    def steps(self, key: Ed25519PrivateKey) -> Mapping[Stage, Sequence[Step]]:
        """What leads to each stage from the one before, in words and deed; `key` signs the cut."""
        return {
            "recommendation": [
                ("officers recommend", lambda: self.recommend(RECOMMENDED_SO_FAR)),
                ("others are still at work", self.begin_drafts),
            ],
            "review": [
                ("officers recommend the others", lambda: self.recommend(RECOMMENDED)),
                ("recommending ends", self.end_recommending),
            ],
            "vote": [
                ("the joint office reviews", self.review),
                ("two people choose the fifty", self.choose),
                ("their numbers are drawn", self.draw),
                ("the public notice runs out", self.announce_the_fifty),
                ("the fifty go to the vote", self.hand_over),
            ],
            "panel": [
                ("the public votes", self.end_the_vote),
                ("two people publish the cut", lambda: self.publish_the_cut(key)),
                ("the experts take their seats", self.seat_experts),
            ],
            "result": [
                ("two people set the panel's rules", self.set_panel_rules),
                ("experts score, one is absent", self.score),
                ("two people announce the result", lambda: self.announce_the_result(key)),
            ],
        }

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
        await self._approve(
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
        await self._approve(
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
        await self._approve(
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
        await self.connection.execute(BALLOTS, contest.id, closes - VOTE, closes)
        await advance_floor(self.connection, contest.id)

    async def publish_the_cut(self, key: Ed25519PrivateKey) -> None:
        """By two people, as at the desk."""
        connection, contest = self.connection, await load_contest(self.connection, SLUG)
        proposed = await propose_publication(
            connection, contest, self.accounts["clerk-1"], key=key,
            now=await database_time(connection),
        )  # fmt: skip
        await approve(
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
        await self._approve(proposed)

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
        await self._approve(
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

    async def _approve(self, decision_id: int) -> None:
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
