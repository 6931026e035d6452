"""How long a platform is still accepted after it is switched off or its key is removed: alone, and
while thousands of connections read.

    python -m loadtests.off_switch [--readers 5000] [--rate 100]

Votes with sessions made beforehand, and sign-ins, come through a platform of each round's own over
kept connections. Then it is switched off, or its key is replaced and its sessions are ended. Prints
how long after this was asked for the last of them was answered 201. Exits with 1 if that is more
than five seconds, or if a round shows nothing: a worker that was not asked, readers that were not
there, nothing accepted before the change or refused after it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import click
import msgspec
import psutil
import uvloop
from joserfc.jwk import OKPKey

from loadtests import CONTEST
from loadtests.http_client import Caller, ConnectionLostError, Target, prepare
from loadtests.report import Section, machine_line
from loadtests.rounds import Outcome, Round, Several, run_round
from loadtests.stand import Stand, open_stand, write_key
from loadtests.starving import idle_streams, raise_descriptors, receipt_pages
from loadtests.voters import PlatformSigner, minted
from loadtests.waiting import seconds_until
from voting_service.contests.repository import NewPlatform, insert_platform
from voting_service.contests.settings.approval_kinds import PlatformPayload
from voting_service.contests.settings.platform_changes import (
    carry_out,
    load_platform,
    switch_platform_off,
)
from voting_service.contests.settings.platform_terms import PlatformEdit, edited, read_terms
from voting_service.contests.settings.repository import ChangeOrigin
from voting_service.demo.embedded_server import HOST
from voting_service.i18n.text import Text
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.tasks import end_tasks

LIMIT_SECONDS = 5.0
STREAMS_SHARE = 0.1
"""The part of the readers that hold an event stream open. The others read without a pause."""
CALLERS = 48
SIGN_INS_SHARE = 0.25
BEFORE_SECONDS = 4.0
AFTER_SECONDS = 15.0
GATHER_SECONDS = 60.0
"""How long readers may take to connect, and a new platform until it is known everywhere."""
BY, WHY = "load test", Text("load test", "load test")

Change = Callable[[Connection, str], Awaitable[None]]


async def switch_off(owner: Connection, slug: str) -> None:
    """Switch a platform off."""
    await switch_platform_off(owner, slug, by=BY, reason=WHY, now=system_clock())


async def replace_key(owner: Connection, slug: str) -> None:
    """Replace a platform's key and end its sessions, as the approval by a second person does."""
    platform = await load_platform(owner, slug)
    before = read_terms(platform)
    new_key = OKPKey.generate_key().as_pem(private=False)
    after = edited(before, PlatformEdit(add_keys=(new_key,), remove_keys=before.keys))
    payload = PlatformPayload(slug, platform.revision, before, after, end_sessions=True, reason=WHY)
    async with owner.transaction():
        await carry_out(owner, payload, ChangeOrigin(BY, system_clock(), WHY))


CHANGES: dict[str, Change] = {"switched off": switch_off, "key removed": replace_key}


class Answer(NamedTuple):
    """The answer to a vote or sign-in; status 0 if there was none."""

    is_sign_in: bool
    at: float
    status: int


class Voters:
    """Votes and sign-ins through one platform at a rate, until stopped. `answers` are theirs."""

    def __init__(self, stand: Stand, signer: PlatformSigner, sessions: Sequence[str]) -> None:
        self.answers: list[Answer] = []
        self._target = Target.of(stand.address())
        self._signer = signer
        self._sessions = iter(sessions)

    async def run(self, rate: float) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(self._call_repeatedly(CALLERS / rate))

    async def _call_repeatedly(self, pause_seconds: float) -> None:
        caller = Caller(self._target)
        await asyncio.sleep(random.random() * pause_seconds)
        try:
            while True:
                is_sign_in = random.random() < SIGN_INS_SHARE
                try:
                    status = (await caller.call(self._request(is_sign_in))).status
                except (ConnectionLostError, ConnectionError):
                    status = 0
                self.answers.append(Answer(is_sign_in, time.monotonic(), status))
                await asyncio.sleep(pause_seconds)
        finally:
            caller.close()

    def _request(self, is_sign_in: bool) -> bytes:
        if is_sign_in:
            body = self._signer.sign_in_body(os.urandom(8).hex())
            return prepare("POST", "/api/v1/sessions", body=body)
        return prepare(
            "POST",
            f"/api/v1/contests/{CONTEST}/ballots",
            headers={"authorization": f"Bearer {next(self._sessions)}"},
            body=json.dumps({"choices": random.sample(range(1, 51), 3)}).encode(),
        )

    async def accepted_everywhere(self) -> bool:
        """Return whether the newest answers are all 201."""
        newest = self.answers[-2 * CALLERS :]
        return len(newest) == 2 * CALLERS and all(answer.status == 201 for answer in newest)


class Shown(NamedTuple):
    """What a round showed."""

    answers: Sequence[Answer]
    changed_at: float
    readers: int
    all_workers_asked: bool

    def last_accepted(self, is_sign_in: bool) -> float:
        """Return how many seconds after the change the last vote or sign-in was answered 201."""
        accepted = [a.at for a in self.answers if a.status == 201 and a.is_sign_in is is_sign_in]
        return max(accepted, default=self.changed_at) - self.changed_at

    def statuses(self, *, after: bool) -> Counter[int]:
        """Return the answers before or after the change by status."""
        return Counter(a.status for a in self.answers if (a.at > self.changed_at) is after)

    def is_good(self, readers: int) -> bool:
        """Return whether the platform was off in time, and whether the round could show it."""
        in_time = all(self.last_accepted(kind) <= LIMIT_SECONDS for kind in (False, True))
        both_seen = self.statuses(after=False)[201] and self.statuses(after=True)[401]
        return bool(in_time and both_seen and self.all_workers_asked and self.readers >= readers)


@asynccontextmanager
async def flood(stand: Stand, readers: int, seconds: float) -> AsyncIterator[list[Outcome]]:
    """Keep so many connections reading for so long; the list gets their outcome at the end."""
    outcomes: list[Outcome] = []
    if not readers:
        yield outcomes
        return
    numbers = random.sample(range(1, 51), 10)
    candidates = [f"{where}/{CONTEST}/candidates/" for where in ("/zh", "/api/v1/contests")]
    pages = [f"{address}{number}" for address in candidates for number in numbers]
    pages += [f"/api/v1/contests/{CONTEST}/standings"] * 20 + (await receipt_pages(stand))[:20]
    requests = [prepare("GET", page) for page in random.sample(pages, len(pages))]
    streams = int(readers * STREAMS_SHARE)
    round_ = Round(
        stand.address(), Several(requests), readers - streams, seconds, expected_status=200
    )
    async with idle_streams(stand, streams):
        reading = asyncio.create_task(asyncio.to_thread(run_round, round_))

        async def gathered() -> bool:
            return connections(stand) >= readers

        await seconds_until(gathered, GATHER_SECONDS)
        yield outcomes
        outcomes.append(await reading)


def connections(stand: Stand) -> int:
    """Return how many connections the workers hold."""
    return sum(
        connection.laddr.port == stand.port and connection.status == psutil.CONN_ESTABLISHED
        for worker in stand.web_workers()
        for connection in worker.net_connections("tcp")
    )


def all_workers_asked(stand: Stand) -> bool:
    """Return whether this process has a connection other than an event stream to every worker."""
    own = {c.laddr.port for c in psutil.Process().net_connections("tcp") if c.laddr.ip == HOST}
    return all(
        any(c.raddr and c.raddr.port in own for c in worker.net_connections("tcp"))
        for worker in stand.web_workers()
    )


class Plan(NamedTuple):
    """How many readers there are, and how many votes and sign-ins a second."""

    readers: int
    rate: float


async def add_platform(stand: Stand, owner: Connection, slug: str, sessions: int) -> Voters:
    """Add a platform with a key of its own; return its voters, with so many sessions."""
    key_file = stand.folder / f"{slug}.pem"
    key = OKPKey.import_key(write_key(key_file))
    config = {"keys": [key.as_dict(private=False, kid=key.thumbprint())]}
    platform_id = await insert_platform(owner, NewPlatform(slug, Text(slug, slug), "jwt", config))
    minting = msgspec.structs.replace(await stand.minting(), platform_id=platform_id)
    made = [minted(minting, os.urandom(16)) for _ in range(sessions)]
    return Voters(stand, PlatformSigner(key_file, platform=slug), made)


async def show(stand: Stand, how: str, plan: Plan) -> tuple[Shown, Outcome | None]:
    """Run a round: change a platform while voters and readers are there. Return what it showed, and
    the outcome of the readers that read without a pause."""
    slug = f"{how.replace(' ', '-')}-{plan.readers}"
    seconds = BEFORE_SECONDS + AFTER_SECONDS
    async with stand.database() as owner:
        voters = await add_platform(stand, owner, slug, int(plan.rate * (seconds + GATHER_SECONDS)))
        voting = asyncio.create_task(voters.run(plan.rate))
        await seconds_until(voters.accepted_everywhere, GATHER_SECONDS)
        async with flood(stand, plan.readers, seconds + BEFORE_SECONDS) as outcomes:
            voters.answers.clear()
            await asyncio.sleep(BEFORE_SECONDS)
            everywhere, readers = all_workers_asked(stand), connections(stand) - CALLERS
            changed_at = time.monotonic()
            await CHANGES[how](owner, slug)
            await asyncio.sleep(AFTER_SECONDS)
            await end_tasks([voting])
    shown = Shown(voters.answers, changed_at, readers, all_workers_asked=everywhere)
    return shown, next(iter(outcomes), None)


async def run(plan: Plan) -> bool:
    """Run every round and print the table; return whether all are good."""
    header = ["round", "accepted before", "last vote after", "last sign-in after"]
    table = Section("Off", [*header, "answers after", "readers", "reads answered 200 a second", ""])
    all_good = True
    async with open_stand(workers=max(2, os.cpu_count() or 1)) as stand:
        for readers in (0, plan.readers):
            for how in CHANGES:
                shown, reads = await show(stand, how, plan._replace(readers=readers))
                good = shown.is_good(readers)
                all_good = all_good and good
                last = [f"{shown.last_accepted(kind):.2f} s" for kind in (False, True)]
                table.rows.append(
                    [
                        f"{how}, {'flooded' if readers else 'quiet'}",
                        f"{shown.statuses(after=False)[201]:,}",
                        *last,
                        str(dict(shown.statuses(after=True))),
                        f"{shown.readers:,}" if readers else "-",
                        f"{reads.per_second:,.0f}" if reads else "-",
                        "good" if good else "NOT GOOD",
                    ]
                )
    click.echo(table.markdown())
    return all_good


@click.command()
@click.option("--readers", default=5000, show_default=True)
@click.option("--rate", default=100.0, show_default=True, help="Votes and sign-ins a second.")
def off_switch(**options: Any) -> None:
    """Measure how soon a platform is off."""
    raise_descriptors()
    click.echo(machine_line() + "\n")
    sys.exit(not uvloop.run(run(Plan(**options))))


if __name__ == "__main__":
    off_switch()
