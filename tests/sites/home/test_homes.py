"""What waits for somebody stands on their home, and nothing else."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any

from tests.contest_data import execute_as_owner
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.console.test_ruling_pages import questioned
from tests.sites.nomination.bodies.selection_data import SLUG, Chosen, move_window, seat_officer
from tests.sites.nomination.review.review_data import store_submitted
from voting_service.infrastructure.postgres.pool import connect
from voting_service.staff.accounts.invitations import invite
from voting_service.staff.accounts.model import ROLES, Role
from voting_service.staff.approvals.model import registered_kinds
from voting_service.staff.approvals.repository import payload_hash

SELECTION = f"/selections/{SLUG}"


async def shown(staff_app: StaffApp, role: Role, name: str = "", spoken: str = "en") -> set[str]:
    """The addresses that the waiting part of a home leads to."""
    client = await staff_app.signed_in_client(role, name)
    page = (await client.get("/", headers={"accept-language": spoken})).text
    part = re.search(r'<section aria-labelledby="waiting">.*?</section>', page, re.DOTALL)
    assert part is not None, page
    nothing = {"en": "Nothing is waiting for you.", "zh": "目前没有待您处理的事项。"}[spoken]
    addresses = {html.unescape(href) for href in re.findall(r'href="([^"]+)"', part[0])}
    assert (nothing in part[0]) is not bool(addresses), part[0]
    return addresses


async def store_request(staff_app: StaffApp, kind: str, target: str, target_id: int) -> None:
    """A proposal of `proposer`, whatever its payload."""
    proposer = await staff_app.account("supervisor", "proposer")
    payload: dict[str, Any] = {}
    await execute_as_owner(
        staff_app.settings.owner_database_url,
        "alter table approval_requests disable trigger user;"
        f"insert into approval_requests ({target}_id, kind, subject, payload, payload_hash,"
        f" proposed_by, proposed_at) values ({target_id}, '{kind}', '7/x', '{json.dumps(payload)}',"
        f" '{payload_hash(kind, '7/x', payload)}', {proposer.id}, now())",
    )


async def test_a_home_has_every_approval_of_its_role(staff_app: StaffApp, chosen: Chosen) -> None:
    """A kind without its place fails here."""
    assert all(kind.place != "/" for kind in registered_kinds())
    clerk = await staff_app.account("tally_clerk")
    draft = await staff_app.database.fetchval(
        "insert into contest_drafts (slug, content, saved_by, saved_at)"
        " values ('crafts', $1, $2, now()) returning id",
        {"title": {"zh": "匠人", "en": "Crafts"}},
        clerk.id,
    )
    ids = {"contest": staff_app.contest.id, "selection": chosen.selection.id, "draft": draft}
    slugs = {"contest": staff_app.contest.slug, "selection": SLUG, "draft": "crafts"}
    for kind in registered_kinds():
        name, target = kind.name, kind.target
        await store_request(staff_app, name, target, ids[target])
        address = kind.path(slugs[target], ids[target], "7/x")
        for role in ROLES:
            waiting = await shown(staff_app, role)
            assert (address in waiting) == (role in kind.deciders), (name, role)
            assert waiting <= {address}, (name, role)
        await execute_as_owner(
            staff_app.settings.owner_database_url,
            f"update approval_requests set declined_by = {clerk.id}, declined_at = now(),"
            f" declined_because = 'no' where kind = '{name}'",
        )
    await store_request(staff_app, "result", "selection", chosen.selection.id)
    assert await shown(staff_app, "supervisor", "proposer", "zh") == set(), "one's own"
    assert await shown(staff_app, "supervisor", spoken="zh") == {f"{SELECTION}/result"}


async def test_each_role_sees_its_work(staff_app: StaffApp, chosen: Chosen) -> None:
    reviewer = await staff_app.account("reviewer")
    supervisor = await staff_app.account("supervisor")
    database, now = staff_app.database, staff_app.clock()
    mine, _other = await store_submitted(staff_app, chosen, 2, state="submitted")
    [returned] = await store_submitted(staff_app, chosen, 1, state="returned")
    await database.execute(
        "insert into nomination.assignments (recommendation_id, account_id, assigned_by)"
        " values ($1, $2, $3)",
        mine, reviewer.id, supervisor.id,
    )  # fmt: skip
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute("alter table nomination.reviews disable trigger user")
    await owner.execute(
        "insert into nomination.reviews (recommendation_id, verdict, reason, account_id,"
        " reviewed_at, correct_until)"
        " values ($1, 'returned', '', $2, now(), now() + interval '3 days')",
        returned, reviewer.id,
    )  # fmt: skip
    await owner.execute("alter table nomination.objections disable trigger user")
    await owner.execute(
        "insert into nomination.objections (selection_id, notice, received_on, sender, content,"
        " entered_by) values ($1, 'shortlist', now(), ''::bytea, ''::bytea, $2)",
        chosen.selection.id, reviewer.id,
    )  # fmt: skip
    await owner.close()
    # A pack of documents that no worker takes any more, and ballots in a hold.
    await database.execute(
        "insert into nomination.document_packs (selection_id, recommendations, language,"
        " requested_by, requested_at, steps) values ($1, $2, 'zh', $3, now(), 2)",
        chosen.selection.id, [mine], reviewer.id,
    )  # fmt: skip
    await questioned(staff_app)
    administrator = await staff_app.account("administrator", "inviting")
    await invite(database, administrator, "tally_clerk", "to count", now)
    review, holds = f"{SELECTION}/review?state=submitted", "/contests/test-2022/holds"
    work: dict[tuple[Role, str], set[str]] = {
        ("reviewer", ""): {
            f"{SELECTION}/review?assignee={reviewer.id}&state=submitted",
            review,
            f"{SELECTION}/notice",
        },
        ("supervisor", ""): {review, f"{SELECTION}/notice", "/accounts", holds},
        ("recommender", "officer-1"): {f"{SELECTION}/recommendations/{returned}"},
        ("administrator", ""): {"/accounts", "/jobs"},
        ("administrator", "inviting"): {"/jobs"},
        ("tally_clerk", ""): {holds},
        ("auditor", ""): set(),
        ("expert", ""): set(),
    }
    for (role, name), expected in work.items():
        for spoken in ("en", "zh"):
            assert await shown(staff_app, role, name, spoken) == expected, (role, name)


async def test_officers_see_their_drafts_or_the_open_deadline(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    now = staff_app.clock()
    await move_window(staff_app, chosen.selection, now - timedelta(days=1), now + timedelta(days=5))
    for place, body in enumerate(chosen.bodies.values(), start=1):
        await seat_officer(staff_app, body, f"officer-{place}")
    client = await staff_app.signed_in_client("recommender", "officer-1")
    begun = await client.post(f"{SELECTION}/recommendations/new", data={})
    assert begun.status_code == 303
    for name, words in (("officer-1", "drafts to submit by"), ("officer-2", "recommend by")):
        assert await shown(staff_app, "recommender", name) == {f"{SELECTION}/recommendations"}
        page = (await (await staff_app.signed_in_client("recommender", name)).get("/")).text
        assert words in page, name
