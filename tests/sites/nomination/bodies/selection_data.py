"""A selection with two districts and a department, and people of every role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.contest_data import both
from tests.sites.console.running_staff_app import StaffApp
from voting_service.i18n.text import Text
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import AnyConnection, connect
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import (
    NewSelection,
    RecommendingBody,
    Selection,
    SelectionRules,
)
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.repository import (
    insert_body,
    insert_selection,
    load_bodies,
    load_selection,
)
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor

SLUG = "selection-2022"
INDUSTRIES = {"equipment": Text("装备", "Equipment"), "energy": Text("能源", "Energy")}
BODIES = (
    ("north", "district", Text("北区", "North District")),
    ("south", "district", Text("南区", "South District")),
    ("health", "department", Text("卫生部门", "Health Department")),
)


@dataclass
class Chosen:
    """The stored selection, and its bodies by slug."""

    selection: Selection
    bodies: Mapping[str, RecommendingBody]


async def store_selection(
    connection: AnyConnection,
    now: datetime,
    *,
    rules: SelectionRules | None = None,
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
) -> Chosen:
    """Open from a day before `now` for ten days by default."""
    await insert_selection(
        connection,
        NewSelection(
            slug=SLUG,
            rules=rules or SelectionRules(title=both("选树"), industries=INDUSTRIES),
            opens_at=opens_at or now - timedelta(days=1),
            closes_at=closes_at or now + timedelta(days=9),
        ),
    )
    for slug, kind, name in BODIES:
        await insert_body(connection, slug, kind, name)  # type: ignore[arg-type]
    bodies = {body.slug: body for body in await load_bodies(connection)}
    return Chosen(await load_selection(connection, SLUG), bodies)


def acting(
    account: Account,
    selection: Selection,
    keys: PersonalKeys,
    connection: AnyConnection,
    now: datetime | None = None,
) -> SelectionActor:
    """The account as the actor of a service."""
    return SelectionActor(Actor(connection, account, now or system_clock()), selection, keys)


async def seat_officer(staff_app: StaffApp, body: RecommendingBody, name: str) -> Account:
    """An officer of the body, without an invitation."""
    account = await staff_app.account("recommender", name)
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute(
        "insert into nomination.body_officers (account_id, body_id) values ($1, $2)",
        account.id,
        body.id,
    )
    await owner.close()
    return account


async def move_window(
    staff_app: StaffApp, selection: Selection, opens_at: datetime, closes_at: datetime
) -> None:
    """Move the window, as only the owner of the tables can."""
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute(
        "update nomination.selections set opens_at = $2, closes_at = $3 where id = $1",
        selection.id,
        opens_at,
        closes_at,
    )
    await owner.close()
