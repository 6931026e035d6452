"""One person at three platforms that name persons: in every spelling and in none, from several
accounts, with the platforms' keys replaced in between. One ballot is stored.

    python -m loadtests.identity --tries 10000 --seed 1
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import math
import random
import sys
import time
import uuid
import warnings
from collections import Counter
from collections.abc import Callable, Sequence

import httpx
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey

from loadtests import CONTEST
from loadtests.stand import open_stand
from loadtests.waiting import seconds_until
from voting_service.contests.repository import NewPlatform, insert_platform
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import Connection

ACCOUNTS = 3
"""The person's accounts on each platform."""
_AT_ONCE = 16
_ROTATION_SECONDS = 60.0
_PERSON = hmac.new(bytes(32), b"+8613800138000", "sha256").hexdigest()

Spelling = Callable[[random.Random], object]
RIGHT: Sequence[Spelling] = (
    lambda _: _PERSON,
    lambda _: _PERSON.upper(),
    lambda chance: "".join(chance.choice((digit, digit.upper())) for digit in _PERSON),
)
WRONG: Sequence[Spelling] = (
    lambda _: None,
    lambda _: "",
    lambda _: f"{_PERSON} ",
    lambda _: f" {_PERSON}",
    lambda _: f"{_PERSON}\n",
    lambda _: f"0x{_PERSON}",
    lambda _: f'"{_PERSON}"',
    lambda _: _PERSON[:-1],
    lambda _: _PERSON * 2,
    lambda _: int(_PERSON, 16) % 10**15,
    lambda _: _PERSON.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"}),
    lambda _: "hash-of-zhang",
    lambda chance: chance.randbytes(32).hex(),
)
"""The last is somebody else's: refused too, since the account belongs to the person."""


class PressPlatform:
    """A platform that names the person in every token, with a key of its own at a time."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self._key = OKPKey.generate_key()

    async def register(self, connection: Connection) -> None:
        await insert_platform(
            connection,
            NewPlatform(
                self.slug, Text(self.slug, self.slug), "jwt", self._keys(), person_policy="required"
            ),
        )

    async def replace_key(self, owner: Connection) -> None:
        """Sign with a new key from now on; workers know it within seconds."""
        self._key = OKPKey.generate_key()
        await owner.execute(
            "update platforms set config = $2, revision = revision + 1 where slug = $1",
            self.slug,
            self._keys(),
        )

    def _keys(self) -> dict[str, object]:
        return {"keys": [self._key.as_dict(private=False, kid=self._key.thumbprint())]}

    def token(self, contest: str, account: int, person: object) -> str:
        now = int(time.time())
        claims = {
            "iss": self.slug,
            "aud": contest,
            "sub": f"zhang-{account}",
            "iat": now,
            "exp": now + 120,
            "jti": uuid.uuid4().hex,
        }
        if person is not None:
            claims["person"] = person
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)
            return jwt.encode({"alg": "EdDSA"}, claims, self._key, algorithms=["EdDSA"])


class PersonRun:
    """The tries of one person. `answers` counts what they got; `faults` are answers that no rule
    allows."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        platforms: Sequence[PressPlatform],
        *,
        contest: str = CONTEST,
        seed: int,
    ) -> None:
        self.answers: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self._client = client
        self._platforms = platforms
        self._contest = contest
        self._chance = random.Random(seed)

    async def run(self, owner: Connection, *, tries: int, rotations: int) -> None:
        """Sign every account in once, then make at least that many tries, during which platforms
        replace their keys."""
        for platform in self._platforms:
            await self._until_accepted(platform)
            for account in range(ACCOUNTS):
                await self._try(platform, account, RIGHT[0], accepted=True)
        for _ in range(rotations):
            for _ in range(math.ceil(tries / rotations / _AT_ONCE)):
                await asyncio.gather(*(self._any_try() for _ in range(_AT_ONCE)))
            platform = self._chance.choice(self._platforms)
            await platform.replace_key(owner)
            await self._until_accepted(platform)

    async def _until_accepted(self, platform: PressPlatform) -> None:
        async def is_accepted() -> bool:
            # As many at once as will be tried at once: over every connection, so by every worker.
            answers = await asyncio.gather(
                *(self._sign_in(platform, 0, _PERSON) for _ in range(_AT_ONCE))
            )
            return all(answer.status_code == 201 for answer in answers)

        if await seconds_until(is_accepted, _ROTATION_SECONDS) is None:
            self.faults["a new key is never accepted"] += 1

    async def _any_try(self) -> None:
        accepted = self._chance.random() < 0.5
        spelling = self._chance.choice(RIGHT if accepted else WRONG)
        platform = self._chance.choice(self._platforms)
        await self._try(platform, self._chance.randrange(ACCOUNTS), spelling, accepted=accepted)

    async def _try(
        self, platform: PressPlatform, account: int, spelling: Spelling, *, accepted: bool
    ) -> None:
        answer = await self._sign_in(platform, account, spelling(self._chance))
        self._count("sign-in", answer, {201} if accepted else {401})
        if answer.status_code == 201:
            choices = self._chance.choice(([1, 2], [2, 1], [3]))
            answer = await self._client.post(
                f"/api/v1/contests/{self._contest}/ballots",
                headers={"authorization": f"Bearer {answer.json()['session']}"},
                json={"choices": choices},
            )
            self._count("ballot", answer, {200, 201, 409})

    async def _sign_in(
        self, platform: PressPlatform, account: int, person: object
    ) -> httpx.Response:
        token = platform.token(self._contest, account, person)
        return await self._client.post(
            "/api/v1/sessions", json={"platform": platform.slug, "token": token}
        )

    def _count(self, what: str, answer: httpx.Response, allowed: set[int]) -> None:
        self.answers[f"{what} {answer.status_code}"] += 1
        if answer.status_code not in allowed:
            self.faults[f"{what} {answer.status_code}: {answer.text[:300]}"] += 1


async def main(tries: int, rotations: int, seed: int) -> int:
    """Run against a stand; return the exit code."""
    platforms = [PressPlatform(slug) for slug in ("paper", "radio", "television")]
    async with open_stand(workers=2, background=False) as stand, stand.database() as owner:
        for platform in platforms:
            await platform.register(owner)
        async with httpx.AsyncClient(base_url=stand.address(), timeout=60) as client:
            person = PersonRun(client, platforms, seed=seed)
            await person.run(owner, tries=tries, rotations=rotations)
        stored = await owner.fetchval("select count(*) from ballots")
    for answer, count in (*sorted(person.answers.items()), *person.faults.items()):
        print(f"{count:>7}  {answer}")
    print(f"{stored:>7}  ballots stored")
    return int(stored != 1 or bool(person.faults))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=10_000)
    parser.add_argument("--rotations", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.tries, options.rotations, options.seed)))
