"""Visits to the site: signing in with a platform's token, and casting a ballot."""

from __future__ import annotations

import asyncio
import uuid
import warnings
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey

from voting_service.rehearsal.crowd import HONEST_KINDS, Person, Trick, Visit
from voting_service.rehearsal.site import Site
from voting_service.rehearsal.stores import RehearsalStage

TOKEN_SECONDS = 60
FILLING_IN = timedelta(seconds=40)
"""How long people take from signing in to casting."""
SIGNED_IN, CAST, SAME_AGAIN, CHALLENGED, BUSY = 201, 201, 200, 428, 503
TRIES, TRY_AGAIN_SECONDS = 20, 0.5
KEPT_RECEIPTS = 200
NO_KEY = "no_key"
"""The kind of visits through a platform that has no key."""


class VisitFigures(msgspec.Struct):
    """What was answered: sign-ins by platform and status, visits by kind and outcome. An outcome
    is `cast`, `asked`, or the name of the refusal."""

    sign_ins: Counter[tuple[str, int]] = msgspec.field(default_factory=Counter)
    visits: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    receipts: list[str] = []
    """The first ballots of honest voters, as their receipts name them."""
    attackers: dict[str, set[bytes]] = {}
    """The ballots of each attack."""

    @property
    def confirmed(self) -> int:
        """How many ballots were confirmed."""
        return sum(count for (_, outcome), count in self.visits.items() if outcome == "cast")

    @property
    def guilty(self) -> set[bytes]:
        """The ballots of all attackers."""
        return set().union(*self.attackers.values())

    @property
    def kinds(self) -> list[str]:
        """The kinds of visits that there were."""
        return sorted({kind for kind, _ in self.visits})

    def tried(self, kind: str) -> int:
        """Return how many visits of a kind there were."""
        return sum(count for (other, _), count in self.visits.items() if other == kind)

    def outcomes(self, kind: str) -> dict[str, int]:
        """Return how many visits of a kind had each outcome, the most frequent first."""
        ordered = self.visits.most_common()
        return {outcome: count for (other, outcome), count in ordered if other == kind}


class Visitors:
    """Sends visits to the site, and keeps the figures."""

    def __init__(self, stage: RehearsalStage, site: Site) -> None:
        # RFC 9864 renamed the algorithm to Ed25519; platforms still use EdDSA.
        warnings.simplefilter("ignore", SecurityWarning)
        self.figures = VisitFigures()
        self._stage = stage
        self._site = site
        self._path = f"/api/v1/contests/{stage.contest.slug}"
        self._strange_key = OKPKey.generate_key("Ed25519")

    async def visit(self, visits: Sequence[Visit]) -> None:
        """Sign all in at once, and cast their ballots when they have filled them in."""
        sessions = await asyncio.gather(*(self.sign_in(visit) for visit in visits))
        await self._stage.clock.jump(self._stage.clock() + FILLING_IN)
        await asyncio.gather(
            *(
                self.cast(visit, session)
                for visit, session in zip(visits, sessions, strict=True)
                if session is not None
            )
        )

    async def sign_in(self, visit: Visit) -> str | None:
        """Return a session; None if it was refused."""
        token = self._token(visit.person, visit.trick)
        body = {"platform": visit.person.platform, "token": token}
        headers = _headers(visit.person)
        answer = await self._post("/api/v1/sessions", body, headers, visit.person.platform)
        if visit.trick == "replayed":
            answer = await self._post("/api/v1/sessions", body, headers, visit.person.platform)
        self.figures.sign_ins[visit.person.platform, answer.status_code] += 1
        if answer.status_code != SIGNED_IN:
            has_key = visit.person.platform in self._stage.platform_keys
            self.figures.visits[visit.kind if has_key else NO_KEY, _problem(answer)] += 1
            return None
        session: str = answer.json()["session"]
        return session

    async def cast(self, visit: Visit, session: str) -> str:
        """Cast a ballot; return its outcome."""
        headers = {"authorization": f"Bearer {session}", **_headers(visit.person)}
        answer = await self._post(
            f"{self._path}/ballots", {"choices": visit.choices}, headers, visit.person.platform
        )
        if answer.status_code == CAST:
            outcome = "cast"
            ballot: str = answer.json()["receipt"]["ballot"]
            if visit.kind not in HONEST_KINDS:
                ballots = self.figures.attackers.setdefault(visit.kind, set())
                ballots.add(bytes.fromhex(ballot))
            elif len(self.figures.receipts) < KEPT_RECEIPTS:
                self.figures.receipts.append(ballot)
        elif answer.status_code == SAME_AGAIN:
            outcome = "same_again"
        elif answer.status_code == CHALLENGED:
            outcome = "asked"
        else:
            outcome = _problem(answer)
        self.figures.visits[visit.kind, outcome] += 1
        return outcome

    async def _post(
        self, path: str, body: dict[str, Any], headers: dict[str, str], platform: str
    ) -> httpx.Response:
        """Post, and as browsers do post again while the service is busy; a platform without a key
        is not busy, it is not set up."""
        for _ in range(TRIES if platform in self._stage.platform_keys else 0):
            answer = await self._site.client.post(path, json=body, headers=headers)
            if answer.status_code != BUSY:
                return answer
            await asyncio.sleep(TRY_AGAIN_SECONDS)
        return await self._site.client.post(path, json=body, headers=headers)

    def _token(self, person: Person, trick: Trick) -> str:
        now = int(self._stage.clock().timestamp())
        slug = self._stage.contest.slug
        claims = {
            "iss": person.platform,
            "aud": f"not-{slug}" if trick == "other_contest" else slug,
            "sub": person.account,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": uuid.uuid4().hex,
            "account_created": person.account_created.isoformat(),
        }
        if person.person is not None:
            claims["person"] = person.person
        key = self._stage.platform_keys.get(person.platform, self._strange_key)
        header = {"alg": "EdDSA", "kid": key.thumbprint()}
        signing = self._strange_key if trick == "forged" else key
        return jwt.encode(header, claims, signing, algorithms=["EdDSA"])


def _headers(person: Person) -> dict[str, str]:
    return {
        "x-forwarded-for": person.address,
        "user-agent": person.device.user_agent,
        "accept-language": person.device.languages,
    }


def _problem(answer: httpx.Response) -> str:
    """Return the name of a problem document, as api.md lists them."""
    name: str = answer.json()["type"].rpartition("/")[2]
    return name.replace("-", "_")
