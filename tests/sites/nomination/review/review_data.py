"""Submitted recommendations, and the steps from them to drawn numbers, without the pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import Any

import msgspec

from tests.contest_data import both
from tests.nomination.files.pdf_files import pdf
from tests.nomination.form.people import complete_form, id_number
from tests.picture_files import jpeg
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.bodies.selection_data import (
    INDUSTRIES,
    Chosen,
    seat_officer,
)
from voting_service.errors import NotFound
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import SelectionRules
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.form_encryption import (
    encrypt_form,
    file_label,
    form_sha256,
)
from voting_service.nomination.review.repository import load_submitted_recommendations
from voting_service.nomination.shortlist.profiles import draft_profile, save_profile
from voting_service.nomination.shortlist.service import (
    propose_seed,
    propose_shortlist,
    propose_source,
)
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.repository import find_approval, load_selection_approvals
from voting_service.staff.approvals.service import record_approval

PATH = "/selections/selection-2022"
PHOTO = jpeg(500, 700)
EVIDENCE = pdf(10)
STAMPED = ("application/pdf", pdf(1))
RULES = SelectionRules(title=both("选树"), industries=INDUSTRIES, contact=both("市高技办"))
SMALL = SelectionRules(
    title=both("选树"), industries=INDUSTRIES, shortlist_size=3, cut=2, winners=1, nominees=1
)
SEED = "030812172430007"


def personal_keys(staff_app: StaffApp) -> PersonalKeys:
    return PersonalKeys.of(staff_app.settings)


async def store_submitted(
    staff_app: StaffApp,
    chosen: Chosen,
    people: int,
    *,
    state: str = "accepted",
    photo: bytes = PHOTO,
    evidence: tuple[str, bytes] = ("application/pdf", EVIDENCE),
    **changed: Any,
) -> list[int]:
    """As many recommendations as wanted, of all bodies in turn, as if each had been submitted and
    reviewed; places are not asked for. Their numbers."""
    officer = await _officer(staff_app, chosen)
    keys, slug = personal_keys(staff_app), chosen.selection.slug
    owner = await connect(staff_app.settings.migration_url)
    made = []
    await owner.execute(
        "alter table nomination.files disable trigger check_file;"
        "alter table nomination.submissions disable trigger take_submission"
    )
    first = await owner.fetchval("select count(*) from nomination.recommendations") + 1
    for number, body in zip(count(first), _bodies(chosen, people), strict=False):
        form = complete_form(
            **{
                "name": f"人选{number}",
                "id_number": id_number(serial=2 * number - 1),
                "industry": ("equipment", "energy")[number % 2],
                **changed,
            }
        )
        encrypted = encrypt_form(keys, body.id, slug, form)
        row = await owner.fetchval(
            "insert into nomination.recommendations (selection_id, body_id, state, person_hash,"
            " form, created_by, saved_by, submitted_at) values ($1, $2, $3, $4, $5, $6, $6, now())"
            " returning id",
            chosen.selection.id, body.id, state, keys.person_hash(form.id_number), encrypted,
            officer.id,
        )  # fmt: skip
        for slot, media_type, content in (
            ("photo", "image/jpeg", photo), ("evidence", *evidence),
            ("employer_scan", *STAMPED), ("body_scan", *STAMPED),
        ):  # fmt: skip
            await owner.execute(
                "insert into nomination.files (recommendation_id, slot, sha256, media_type, pages,"
                " content, added_by) values ($1, $2, $3, $4, $5, $6, $7)",
                row, slot, sha256(content).digest(), media_type, 10 if slot == "evidence" else 1,
                keys.encrypt(file_label(slot, row), content), officer.id,  # type: ignore[arg-type]
            )  # fmt: skip
        await owner.execute(
            "insert into nomination.submissions (recommendation_id, turn, person_hash, form,"
            " form_sha256, photo_sha256, evidence_sha256, evidence_pages,"
            " employer_scan_sha256, body_scan_sha256, submitted_by, submitted_at)"
            " values ($1, 1, $2, $3, $4, $5, $6, 10, $8, $8, $7, now())",
            row, keys.person_hash(form.id_number), encrypted, form_sha256(form),
            sha256(photo).digest(), sha256(evidence[1]).digest(), officer.id,
            sha256(STAMPED[1]).digest(),
        )  # fmt: skip
        made.append(row)
    await owner.execute(
        "alter table nomination.files enable trigger check_file;"
        "alter table nomination.submissions enable trigger take_submission"
    )
    await owner.close()
    return made


def _bodies(chosen: Chosen, people: int) -> list[Any]:
    bodies = list(chosen.bodies.values())
    return [bodies[place % len(bodies)] for place in range(people)]


async def _officer(staff_app: StaffApp, chosen: Chosen) -> Account:
    if "officer-1" in staff_app.accounts:
        return staff_app.accounts["officer-1"]
    return await seat_officer(staff_app, chosen.bodies["north"], "officer-1")


async def two_people(staff_app: StaffApp) -> tuple[Account, Account]:
    return await staff_app.account("reviewer"), await staff_app.account("supervisor")


async def reviewer(staff_app: StaffApp, chosen: Chosen) -> SelectionActor:
    """The reviewer, acting now."""
    first, _ = await two_people(staff_app)
    actor = Actor(staff_app.database, first, staff_app.clock())
    return SelectionActor(actor, chosen.selection, personal_keys(staff_app))


async def two_clients(staff_app: StaffApp) -> tuple[StaffClient, StaffClient]:
    """A reviewer and a supervisor, signed in."""
    return await staff_app.signed_in_client("reviewer"), await staff_app.signed_in_client(
        "supervisor"
    )


async def waiting_decision(staff_app: StaffApp, chosen: Chosen) -> int:
    """The newest decision that waits for a second person."""
    for decision in reversed(
        await load_selection_approvals(staff_app.database, chosen.selection.id)
    ):
        if decision.state == "waiting":
            return decision.id
    raise NotFound("nothing waits")


async def approve(staff_app: StaffApp, chosen: Chosen, decision_id: int) -> None:
    """The supervisor agrees to what the reviewer proposed."""
    selection = chosen.selection
    decision = find_approval(
        await load_selection_approvals(staff_app.database, selection.id), decision_id
    )
    _, second = await two_people(staff_app)
    await record_approval(Actor(staff_app.database, second, staff_app.clock()), selection, decision)


async def pick(staff_app: StaffApp, chosen: Chosen, recommendations: Sequence[int]) -> None:
    """Two people choose these."""
    proposal = await propose_shortlist(await reviewer(staff_app, chosen), recommendations)
    await approve(staff_app, chosen, proposal)


async def nothing() -> None:
    """What happens while nobody looks."""


async def draw(
    staff_app: StaffApp, chosen: Chosen, *, between: Callable[[], Awaitable[None]] = nothing
) -> None:
    """Numbers for those who were chosen: a source that is known in a moment, and the moment;
    `since` comes between it and the digits."""
    known_at = staff_app.clock() + timedelta(seconds=0.5)
    proposal = await propose_source(
        await reviewer(staff_app, chosen), Text("开奖号码", "A lottery"), known_at
    )
    await approve(staff_app, chosen, proposal)
    await pass_until_known(staff_app)
    await between()
    proposal = await propose_seed(await reviewer(staff_app, chosen), SEED)
    await approve(staff_app, chosen, proposal)


async def pass_until_known(staff_app: StaffApp) -> None:
    """The database's clock is nobody's to move: until the source that was named is known."""
    await staff_app.database.execute(
        "select pg_sleep_until((payload ->> 'known_at')::timestamptz) from approval_requests"
        " where kind = 'draw' and subject = 'source' and approved_by is not null"
    )


async def age_notices(staff_app: StaffApp, days: int = 10) -> None:
    """As if everything had been published as many days earlier."""
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute(
        "alter table notices disable trigger notices_stay;"
        f"update notices set visible_from = visible_from - interval '{days} days',"
        f" published_at = published_at - interval '{days} days',"
        f" objections_until = objections_until - interval '{days} days';"
        "alter table notices enable trigger notices_stay"
    )
    await owner.close()


async def write_profiles(staff_app: StaffApp, chosen: Chosen, people: Sequence[int]) -> None:
    """Texts in both languages that may become public."""
    keys = personal_keys(staff_app)
    editor = await reviewer(staff_app, chosen)
    all_submitted = await load_submitted_recommendations(
        staff_app.database, keys, chosen.selection, list(people)
    )
    for submitted in all_submitted:
        profile = draft_profile(submitted)
        profile = msgspec.structs.replace(
            profile,
            summary=Text(profile.summary.zh, "A skilled turner."),
            story=Text(profile.story.zh, "What was done."),
        )
        await save_profile(editor, submitted.id, profile)


async def numbers(staff_app: StaffApp) -> Mapping[int, int]:
    """Number by recommendation, of those who stand."""
    rows = await staff_app.database.fetch(
        "select recommendation_id, number from nomination.shortlist_entries"
        " where removed_by is null"
    )
    return {row["recommendation_id"]: row["number"] for row in rows}
