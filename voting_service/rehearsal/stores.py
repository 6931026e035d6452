"""The stores of a rehearsal: a PostgreSQL and a Valkey of its own, in a temporary folder."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from os import urandom
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey
from pydantic import SecretBytes

from voting_service.contests.model import Contest, Platform
from voting_service.contests.repository import (
    NewContest,
    NewPlatform,
    insert_contest,
    insert_platform,
    load_contest,
    load_platforms,
)
from voting_service.demo.embedded_postgres import (
    APPLICATION,
    OWNER,
    SUPERUSER,
    EmbeddedPostgres,
)
from voting_service.demo.embedded_server import HOST
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.i18n.catalogues import load_text
from voting_service.infrastructure.postgres.migrations import upgrade
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.rehearsal.announcement import Announcement
from voting_service.rehearsal.checks import lacks_key
from voting_service.rehearsal.clock import QUERIES, FastClock
from voting_service.settings import Settings
from voting_service.staff.accounts.model import Account, Role
from voting_service.staff.accounts.repository import NewAccount, create_account
from voting_service.voting.voters.keyring import create_keys, load_keys

LEAD = timedelta(hours=1)
"""How long before the first announced moment the rehearsal begins."""
STAFF: Mapping[str, Role] = {
    "clerk-1": "tally_clerk",
    "supervisor-1": "supervisor",
    "supervisor-2": "supervisor",
}


@dataclass(slots=True)
class RehearsalStage:
    """Where the rehearsal takes place. `owner` is a connection of the owner of the tables.
    `contest` is as it was when it was last loaded. `platform_keys` sign users in; a platform
    without a key has none. `person_key` is the contest's, for the platforms that name the
    person."""

    clock: FastClock
    owner: Connection
    settings: Settings
    contest: Contest
    platforms: tuple[Platform, ...]
    platform_keys: Mapping[str, OKPKey]
    person_key: bytes
    accounts: Mapping[str, Account]

    async def reload_contest(self) -> None:
        """Load the contest again, after people changed it."""
        self.contest = await load_contest(self.owner, self.contest.slug)


@asynccontextmanager
async def open_stage(announced: Announcement) -> AsyncIterator[RehearsalStage]:
    """Start the stores, fill them at a moment before anything is published, and remove them at the
    end. Raises Unavailable when they do not start."""
    with tempfile.TemporaryDirectory(
        prefix="voting-rehearsal-", ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        # Nothing in them is kept, so nothing needs to survive a crash.
        postgres = EmbeddedPostgres(folder / "postgres", durable=False, shared_buffers="128MB")
        valkey = EmbeddedValkey(folder / "valkey")
        try:
            await asyncio.gather(postgres.start(), valkey.start())
            superuser = await connect(postgres.url(SUPERUSER))
            await superuser.execute(QUERIES["replace_clock"])
            await asyncio.to_thread(upgrade, postgres.url(OWNER))
            owner = await connect(postgres.url(OWNER))
            settings = Settings(
                database_url=postgres.url(APPLICATION),
                owner_database_url=postgres.url(OWNER),
                valkey_url=valkey.url,
                master_key=SecretBytes(urandom(32)),
                signing_key_file=_write_signing_key(folder / "signing.pem"),
                trusted_proxies=f"{HOST}/32",
                exempt_networks="",
                log_level="error",
                workers=1,
            )
            yield await _fill(FastClock(superuser), owner, settings, announced)
            await owner.close()
            await superuser.close()
        finally:
            await asyncio.gather(postgres.stop(), valkey.stop())


def _write_signing_key(path: Path) -> Path:
    path.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


async def _fill(
    clock: FastClock, owner: Connection, settings: Settings, announced: Announcement
) -> RehearsalStage:
    contest: NewContest = announced.feasible()
    await clock.jump(before_publication(announced))
    master_key = settings.master_key.get_secret_value()
    async with owner.transaction():
        contest_id = await insert_contest(owner, contest)
        await create_keys(owner, master_key, contest_id)
        keys = {
            platform.slug: key
            for platform in announced.enabled_platforms or _stand_ins()
            if (key := await _insert_platform(owner, platform))
        }
        accounts = {
            name: (
                await create_account(
                    owner,
                    master_key,
                    NewAccount(name, role, secrets.token_urlsafe(15)),
                    clock=clock,
                )
            )[0]
            for name, role in STAFF.items()
        }
    opened = (await load_keys(owner, master_key)).opened[contest_id]
    assert opened.person is not None
    return RehearsalStage(
        clock=clock,
        owner=owner,
        settings=settings,
        contest=await load_contest(owner, contest.slug),
        platforms=await load_platforms(owner),
        platform_keys=keys,
        person_key=opened.person,
        accounts=accounts,
    )


def before_publication(announced: Announcement) -> datetime:
    """Return the moment at which the rehearsal begins."""
    return min(announced.published_at, announced.contest.opens_at) - LEAD


def _stand_ins() -> tuple[Platform, ...]:
    """Return the platforms of a rehearsal that knows of none."""
    return tuple(
        Platform(
            id=0,
            slug=slug,
            name=load_text("rehearsal", f"stand_ins.{slug}"),
            kind="jwt",
            config={"keys": [{}]},
            origins=(),
            daily_ceiling=None,
            enabled=True,
            revision=1,
        )
        for slug in ("app", "newspaper")
    )


async def _insert_platform(owner: Connection, platform: Platform) -> OKPKey | None:
    """Store a platform as it is, except that its users are signed in with a key of ours, which is
    returned: their real keys are the platforms' own, and outside services are not asked."""
    key = None if lacks_key(platform) else OKPKey.generate_key("Ed25519")
    kid = key and key.thumbprint()
    await insert_platform(
        owner,
        NewPlatform(
            slug=platform.slug,
            name=platform.name,
            kind="jwt",
            config={"keys": [key.as_dict(private=False, kid=kid)] if key else []},
            daily_ceiling=platform.daily_ceiling,
            person_policy=platform.person_policy,
        ),
    )
    return key
