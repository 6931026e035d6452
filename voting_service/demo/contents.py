"""What a demo's database holds from the first start on."""

from __future__ import annotations

from joserfc.jwk import OKPKey

from voting_service.accounts.store import create_account
from voting_service.clock import Clock
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
    _draw_portraits(data)
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


def _draw_portraits(data: DataFolder) -> None:
    folder = data.pictures / contest.SLUG
    folder.mkdir(parents=True, exist_ok=True)
    for drawn in contest.candidates():
        drawing = portrait(drawn.number, drawn.name.en)
        (folder / contest.portrait_name(drawn.number)).write_text(drawing, encoding="utf-8")
