"""Who a voter is stays out of logs, metrics, answers and every table."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis

from tests.contest_data import (
    SLUG,
    store_contest,
    store_platform,
)
from tests.fakes.signers import (
    Ed25519Signer,
    FakePlatform,
    compact,
)
from tests.sites.public.api.running_service import (
    BALLOTS,
    CONTEST,
    SESSIONS,
    STANDINGS,
)
from tests.sites.public.api.serve_process import ServeProcess, serve_process
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.settings import Settings

SUBJECT, OTHER_SUBJECT = "planted-subject-4711", "planted-subject-4712"
PERSON = sha256(b"planted-person-13800138000").hexdigest()
ADDRESS = "198.51.100.77"
AGENT = "planted-agent/9.1 (phone)"
CHALLENGE = "planted-challenge"
HEADERS = {
    "user-agent": AGENT,
    "x-forwarded-for": ADDRESS,
    "x-device-id": "planted-device",
    "referer": "https://planted-referrer.example/",
    "cookie": "id=planted-cookie",
}


def spellings(value: str) -> list[str]:
    """How a value could be found in a dump."""
    raw = value.encode()
    return [value, raw.hex(), b64encode(raw).decode().rstrip("=")[:-1]]


ADDRESSES = [ADDRESS, "198.51.100.", ip_address(ADDRESS).packed.hex()]
SECRETS = [
    *spellings(SUBJECT),
    *spellings(OTHER_SUBJECT),
    *spellings(PERSON),
    PERSON.upper(),
    bytes.fromhex(PERSON).decode("latin-1"),
    *spellings(ADDRESS),
    *ADDRESSES,
    *spellings(AGENT),
    "planted",
]


async def test_nobody_can_be_found_again(
    settings: Settings, database: Connection, tmp_path: Path
) -> None:
    platform, press = FakePlatform("demo"), FakePlatform("press")
    await store_contest(database, settings.master_key.get_secret_value())
    await store_platform(database, "demo", [platform.signer.jwk()])
    await store_platform(database, "press", [press.signer.jwk()], person_policy="required")
    async with serve_process(
        settings, tmp_path, TRUSTED_PROXIES="127.0.0.0/8", LOG_LEVEL="debug"
    ) as serving:
        journey = VisitorJourney(serving, platform, press)
        await journey.vote()
        await journey.be_refused()
        await journey.meet_a_bug(settings.migration_url)
        log, metrics = serving.log(), await serving.metrics()
    log += serving.log()
    # The line of the start names the service's own addresses, before anybody has visited.
    log = "\n".join(line for line in log.splitlines() if '"event": "started"' not in line)

    assert "UndefinedTableError" in log, "the bug was not logged, so this test shows nothing"
    assert 'voting_ballots_total{outcome="accepted"} 2.0' in metrics
    tables = await dump(settings.migration_url)
    assert all(f"(1,{platform},0,t," in tables for platform in (1, 2)), "the ballots are missing"
    kept = {"log": log, "metrics": metrics, "tables": tables, "Valkey": await dump_valkey(settings)}
    for place, text in kept.items():
        for secret in [*SECRETS, *journey.sessions, *journey.tokens, "127.0.0.1:"]:
            assert secret not in text, f"{secret} is in the {place}"
    for place in ("log", "metrics"):
        for choices in ("[1, 4]", "[1,4]", "{1,4}", "[4, 1]", "[4,1]"):
            assert choices not in kept[place], f"choices are in the {place}"
    for answer in journey.answers:
        shown = answer.text + repr(answer.headers)
        for secret in [*SECRETS, *journey.tokens]:
            assert secret not in shown, f"{secret} is in the answer to {answer.request.url}"


class VisitorJourney:
    """Good and bad requests of planted voters."""

    def __init__(self, serving: ServeProcess, platform: FakePlatform, press: FakePlatform) -> None:
        self.serving = serving
        self._platform = platform
        self._press = press
        self.sessions: list[str] = []
        self.tokens: list[str] = []
        self.answers: list[httpx.Response] = []

    async def vote(self) -> None:
        """Two voters, each with retries and a change of mind."""
        for token, platform in (
            (self._token(SUBJECT), "demo"),
            (self._press_token(PERSON), "press"),
        ):
            answer = await self._sign_in(token, 201, platform)
            session: str = answer.json()["session"]
            self.sessions.append(session)
            receipt = (await self._cast(session, [4, 1], 201)).json()["receipt"]
            await self._cast(session, [1, 4], 200)
            await self._cast(session, [2], 409)
            await self._get(f"{CONTEST}/receipts/{receipt['ballot']}", 200)
        for path in (CONTEST, STANDINGS, f"{CONTEST}/candidates", "/readyz"):
            await self._get(path, 200)

    async def be_refused(self) -> None:
        session = self.sessions[0]
        replayed = self._token(SUBJECT)
        await self._sign_in(replayed, 201)
        await self._sign_in(replayed, 401)
        await self._sign_in(self._token(SUBJECT, person=PERSON, exp=1), 401)
        await self._sign_in(self._token(SUBJECT, person=PERSON), 401)
        await self._sign_in(self._press_token(f"{PERSON}\n"), 401, "press")
        await self._sign_in(self._press_token(PERSON[::-1]), 401, "press")
        await self._sign_in(self._token(SUBJECT, aud="nobody"), 401)
        claims = self._platform.claims(SLUG, SUBJECT, self._now()) | {"person": PERSON}
        await self._sign_in(compact(Ed25519Signer(), claims, {"alg": "EdDSA"}), 401)
        await self._cast(session[:-2] + "AA", [1, 4], 401)
        await self._cast(session, [1, 4, 98765], 422)
        await self._cast(session, ["planted"], 422)
        body = json.dumps({"choices": [1, 4], "challenge": CHALLENGE})[:-3]
        await self._post(BALLOTS, body, 400, session)
        await self._post(BALLOTS, body + "x" * 5000, 413, session)
        await self._get(f"{CONTEST}/receipts/{SUBJECT}", 404)
        await self._get(f"/{SUBJECT}?person={PERSON}", 404)

    async def meet_a_bug(self, owner_url: str) -> None:
        """Both ways in which a bug is logged: on the vote path, and anywhere else."""
        owner = await connect(owner_url)
        try:
            await owner.execute("alter table ballots rename to ballots_away")
            await self._cast(self.sessions[0], [1, 4], 503)
            await self._get(f"{CONTEST}/receipts/{'0' * 32}", 500)
        finally:
            await owner.execute("alter table ballots_away rename to ballots")
            await owner.close()

    def _now(self) -> int:
        return int(system_clock().timestamp())

    def _token(self, subject: str, **claims: Any) -> str:
        token = self._platform.token(SLUG, subject, self._now(), **claims)
        self.tokens.append(token)
        return token

    def _press_token(self, person: str) -> str:
        token = self._press.token(SLUG, OTHER_SUBJECT, self._now(), person=person)
        self.tokens.append(token)
        return token

    async def _sign_in(self, token: str, status: int, platform: str = "demo") -> httpx.Response:
        body = json.dumps({"platform": platform, "token": token, "contest": SLUG})
        return await self._post(SESSIONS, body, status)

    async def _cast(self, session: str, choices: list[Any], status: int) -> httpx.Response:
        return await self._post(BALLOTS, json.dumps({"choices": choices}), status, session)

    async def _post(self, path: str, body: str, status: int, session: str = "") -> httpx.Response:
        headers = {**HEADERS, "content-type": "application/json"}
        if session:
            headers["authorization"] = f"Bearer {session}"
        answer = await self.serving.client.post(path, content=body, headers=headers)
        return self._keep(answer, status)

    async def _get(self, path: str, status: int) -> httpx.Response:
        return self._keep(await self.serving.client.get(path, headers=HEADERS), status)

    def _keep(self, answer: httpx.Response, status: int) -> httpx.Response:
        assert answer.status_code == status, answer.text
        self.answers.append(answer)
        return answer


async def dump(owner_url: str) -> str:
    """Every row of every table as text."""
    owner = await connect(owner_url)
    try:
        names = await owner.fetch(
            "select c.oid::regclass::text as name from pg_class c "
            "where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'"
        )
        rows: list[str] = []
        for row in names:
            result = await owner.fetch(f"select t::text as line from {row['name']} t")
            rows.extend(line["line"] for line in result)
    finally:
        await owner.close()
    return "\n".join(rows)


async def dump_valkey(settings: Settings) -> str:
    """Every key and its serialised value."""
    client: Any = Redis.from_url(settings.valkey_url)
    try:
        parts = []
        for key in await client.keys("*"):
            parts += [key, await client.dump(key) or b""]
    finally:
        await client.aclose()
    assert parts
    return b"\n".join(parts).decode("latin-1")
