"""What a demo's database holds from the first start on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from joserfc.jwk import OKPKey

from voting_service.accounts.store import create_account
from voting_service.clock import Clock
from voting_service.contests.picture_encoding import encode_pixels, workers
from voting_service.contests.pictures import EncodedPicture, store_portrait
from voting_service.contests.store import insert_contest, insert_platform, load_contest
from voting_service.demo import contest
from voting_service.demo.data_folder import DataFolder
from voting_service.demo.portrait import portrait
from voting_service.errors import NotFound
from voting_service.storage.postgres import Connection
from voting_service.voters.keyring import create_keys


async def load_contents(connection: Connection, data: DataFolder, clock: Clock) -> bool:
    """Loads the demo contest, its platform and its staff; False when they are there already.

    One transaction: a first start that is cut short leaves nothing behind.
    """
    try:
        await load_contest(connection, contest.SLUG)
    except NotFound:
        pass
    else:
        return False
    portraits = await _encoded_portraits()
    public_key = OKPKey.import_key(data.platform_key_file.read_bytes())
    jwk = public_key.as_dict(private=False, kid=public_key.thumbprint())
    master_key, now = data.master_key, clock()
    async with connection.transaction():
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
        await insert_platform(
            connection,
            slug=contest.PLATFORM_SLUG,
            name=contest.PLATFORM_NAME,
            kind="jwt",
            config={"keys": [jwk]},
        )
        for login in data.staff():
            await create_account(
                connection,
                master_key,
                login.name,
                login.role,
                login.password,
                totp_secret=login.totp_secret,
                clock=clock,
            )
    return True


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
