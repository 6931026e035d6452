"""The contents of a demo's database after its first start."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from joserfc.jwk import OKPKey

from voting_service.contests.pictures.model import describe_logo
from voting_service.contests.pictures.repository import store_logo_file, store_portrait
from voting_service.contests.repository import (
    NewContest,
    NewPlatform,
    insert_contest,
    insert_platform,
)
from voting_service.demo import contest
from voting_service.demo.data_folder import DataFolder
from voting_service.demo.messages import message
from voting_service.demo.nomination import RULES
from voting_service.demo.panel_and_awards import DemoPanel
from voting_service.demo.past_contest import hold_past_contest, insert_past_contest
from voting_service.demo.platform_logos import draw_logo
from voting_service.demo.portrait import portrait
from voting_service.demo.stages import (
    STAGES,
    Stage,
    guests,
    steps,
)
from voting_service.demo.supervise import Echo
from voting_service.errors import Refused
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.infrastructure.images.encoding import encode_pixels, workers
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.staff.accounts.model import Account
from voting_service.staff.accounts.repository import NewAccount, create_account
from voting_service.staff.messages.contacts import VerifiedContact, store_verified_contact
from voting_service.voting.voters.keyring import create_keys

REACHABLE = ("supervisor-1", "reviewer-1", "officer-yuzhong", "officer-shapingba")
"""Accounts with an address, so that the demo has messages to show."""


async def load_contents(
    connection: Connection,
    data: DataFolder,
    clock: Clock,
    *,
    stage: Stage | None = None,
    echo: Echo = lambda _line: None,
) -> bool:
    """Load platform, staff, contest and nomination. Return False if they are already there.

    Without a `stage`, loads contests of placeholders, of which one is over, one open and one to
    come, and a nomination that has just opened. With
    one, runs a nomination up to that stage, with the contest that follows from it. Raises Refused
    for a folder that holds another stage or an unfinished start.
    """
    if data.contents_file.exists():
        _require_same_stage(data, stage)
        return False
    if await connection.fetchval("select exists (select 1 from accounts)"):
        raise Refused("demo.contents.first_start_incomplete", path=data.path)
    accounts = await _create_accounts(connection, data, stage, clock)
    selection = DemoPanel(connection, data.master_key, accounts, clock)
    async with connection.transaction():
        await insert_platforms(connection, data)
        await selection.begin()
        if stage is None:
            await _insert_placeholders(connection, data.master_key, clock)
    if stage is None:
        await hold_past_contest(connection, accounts, load_signing_key(data.signing_key_file))
    else:
        await _run_until(selection, data, stage, echo)
    data.contents_file.write_text(f"{stage}\n")
    return True


def _require_same_stage(data: DataFolder, stage: Stage | None) -> None:
    loaded_stage = data.contents_file.read_text().strip()
    if stage is not None and loaded_stage != stage:
        raise Refused("demo.contents.another_stage", path=data.path)


async def _run_until(selection: DemoPanel, data: DataFolder, stage: Stage, echo: Echo) -> None:
    """Do the steps of the joint office and the others until `stage` begins."""
    key = load_signing_key(data.signing_key_file)
    if stage == "award":
        selection.result_age = timedelta(days=RULES.notice_days + 1)
    steps_by_stage = steps(selection, key)
    for reached in STAGES[: STAGES.index(stage) + 1]:
        for name, step in steps_by_stage[reached]:
            echo(f"  {message(f'steps.{name}')}")
            await step()


async def _create_accounts(
    connection: Connection, data: DataFolder, stage: Stage | None, clock: Clock
) -> Mapping[str, Account]:
    accounts = {}
    for login in data.staff(guests(stage)):
        accounts[login.name], _ = await create_account(
            connection,
            data.master_key,
            NewAccount(login.name, login.role, login.password, totp_secret=login.totp_secret),
            clock=clock,
        )
    for name in REACHABLE:
        if name in accounts:
            verified = VerifiedContact("email", f"{name}@demo.example", "zh", clock())
            await store_verified_contact(connection, data.master_key, accounts[name].id, verified)
    return accounts


async def insert_platforms(connection: Connection, data: DataFolder) -> None:
    """Insert the demo's platforms with their public keys."""
    for slug, platform in contest.PLATFORMS.items():
        public_key = OKPKey.import_key(data.platform_key_files[slug].read_bytes())
        jwk = public_key.as_dict(private=False, kid=public_key.thumbprint())
        logo = draw_logo(slug)
        await store_logo_file(connection, logo)
        await insert_platform(
            connection,
            NewPlatform(
                slug=slug,
                kind="jwt",
                config={"keys": [jwk]},
                logo=describe_logo(logo),
                **platform._asdict(),
            ),
        )


async def _insert_placeholders(connection: Connection, master_key: bytes, clock: Clock) -> None:
    now = clock()
    portraits = await _encoded_portraits()
    contest_id = await insert_contest(
        connection,
        NewContest(
            slug=contest.SLUG,
            rules=contest.RULES,
            opens_at=now,
            closes_at=now + contest.DURATION,
            candidates=contest.candidates(),
        ),
    )
    for candidate, encoded in zip(contest.candidates(), portraits, strict=True):
        await store_portrait(connection, contest_id, candidate.number, encoded)
    await create_keys(connection, master_key, contest_id)
    await _announce_next(connection, master_key, now)
    shown = slice(contest.PAST_CANDIDATES, 2 * contest.PAST_CANDIDATES)
    await insert_past_contest(connection, master_key, portraits[shown], clock)


async def _announce_next(connection: Connection, master_key: bytes, now: datetime) -> None:
    """Insert the next contest; its candidates stay under embargo until it opens."""
    opens_at = now + contest.UNTIL_NEXT
    contest_id = await insert_contest(
        connection,
        NewContest(
            slug=contest.NEXT_SLUG,
            rules=contest.NEXT_RULES,
            opens_at=opens_at,
            closes_at=opens_at + contest.DURATION,
            candidates=contest.candidates(),
        ),
    )
    await create_keys(connection, master_key, contest_id)


async def _encoded_portraits() -> Sequence[EncodedPicture]:
    """Draw and encode the portraits on all cores; in the order of the candidates."""
    loop = asyncio.get_running_loop()
    with workers() as pool:
        return await asyncio.gather(
            *(
                loop.run_in_executor(pool, encoded_portrait, candidate.number)
                for candidate in contest.candidates()
            )
        )


def encoded_portrait(number: int) -> EncodedPicture:
    """Return a candidate's drawn portrait in every size, encoded fast for a quick first start."""
    drawn = portrait(number, contest.trade_index(number))
    return encode_pixels(drawn, "portrait", avif_speed=9)
