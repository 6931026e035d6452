"""What a demo's database holds from the first start on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from joserfc.jwk import OKPKey

from voting_service.accounts.model import Account
from voting_service.accounts.store import create_account
from voting_service.clock import Clock
from voting_service.contests.picture_encoding import encode_pixels, workers
from voting_service.contests.pictures import EncodedPicture, store_portrait
from voting_service.contests.store import insert_contest, insert_platform
from voting_service.demo import contest
from voting_service.demo.data_folder import DataFolder
from voting_service.demo.panel import DemoPanel
from voting_service.demo.portrait import portrait
from voting_service.demo.stages import STAGES, Stage, guests, steps
from voting_service.demo.supervise import Say
from voting_service.errors import Refused
from voting_service.storage.postgres import Connection
from voting_service.storage.signed_file import load_signing_key
from voting_service.voters.keyring import create_keys


async def load_contents(
    connection: Connection,
    data: DataFolder,
    clock: Clock,
    *,
    stage: Stage | None = None,
    say: Say = lambda _line: None,
) -> bool:
    """Loads platform, staff, contest and selection; False when they are there already.

    Without a `stage` there is a contest of placeholders beside a selection that has just begun;
    with one, a single selection that was carried through to that stage, and the contest that
    came of it. Raises Refused for a folder that holds another stage, or half of one.
    """
    if data.contents_file.exists():
        _require_same(data, stage)
        return False
    if await connection.fetchval("select exists (select 1 from accounts)"):
        raise Refused(f"the first start on {data.path} was cut short: remove it and start anew")
    accounts = await _make_accounts(connection, data, stage, clock)
    selection = DemoPanel(connection, data.master_key, accounts, clock)
    async with connection.transaction():
        await _insert_platform(connection, data)
        await selection.begin()
        if stage is None:
            await _insert_placeholders(connection, data.master_key, clock())
    if stage is not None:
        await _carry_through(selection, data, stage, say)
    data.contents_file.write_text(f"{stage}\n")
    return True


def _require_same(data: DataFolder, stage: Stage | None) -> None:
    kept = data.contents_file.read_text().strip()
    if stage is not None and kept != stage:
        raise Refused(
            f"{data.path} holds a demo of another stage; choose another folder with DATA= (--data)"
        )


async def _carry_through(selection: DemoPanel, data: DataFolder, stage: Stage, say: Say) -> None:
    """What the office does, step by step, until `stage` begins."""
    key = load_signing_key(data.signing_key_file)
    ahead = steps(selection, key)
    for reached in STAGES[: STAGES.index(stage) + 1]:
        for words, step in ahead[reached]:
            say(f"  {words}")
            await step()


async def _make_accounts(
    connection: Connection, data: DataFolder, stage: Stage | None, clock: Clock
) -> Mapping[str, Account]:
    made = {}
    for login in data.staff(guests(stage)):
        made[login.name], _ = await create_account(
            connection,
            data.master_key,
            login.name,
            login.role,
            login.password,
            totp_secret=login.totp_secret,
            clock=clock,
        )
    return made


async def _insert_platform(connection: Connection, data: DataFolder) -> None:
    public_key = OKPKey.import_key(data.platform_key_file.read_bytes())
    jwk = public_key.as_dict(private=False, kid=public_key.thumbprint())
    await insert_platform(
        connection,
        slug=contest.PLATFORM_SLUG,
        name=contest.PLATFORM_NAME,
        kind="jwt",
        config={"keys": [jwk]},
    )


async def _insert_placeholders(connection: Connection, master_key: bytes, now: datetime) -> None:
    portraits = await _encoded_portraits()
    contest_id = await insert_contest(
        connection,
        slug=contest.SLUG,
        rules=contest.RULES,
        opens_at=now,
        closes_at=now + contest.DURATION,
        candidates=contest.candidates(),
    )
    for drawn, encoded in zip(contest.candidates(), portraits, strict=True):
        await store_portrait(connection, contest_id, drawn.number, encoded)
    await create_keys(connection, master_key, contest_id)


async def _encoded_portraits() -> Sequence[EncodedPicture]:
    """Drawn and encoded on every core, in the order of the candidates."""
    loop = asyncio.get_running_loop()
    with workers() as pool:
        return await asyncio.gather(
            *(
                loop.run_in_executor(pool, encoded_portrait, drawn.number)
                for drawn in contest.candidates()
            )
        )


def encoded_portrait(number: int) -> EncodedPicture:
    """A candidate's drawn portrait in every size, fast: all fifty delay the first start."""
    drawn = portrait(number, contest.trade_of(number))
    return encode_pixels(drawn, "portrait", avif_speed=9)
