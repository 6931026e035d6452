"""Thousands of votes from one address: a factory canteen, which must not be refused, and one
machine with bought tokens. Both use the city's proxy, which names the address."""

from __future__ import annotations

import json
import random
from typing import Any

import altcha
from locust import constant, task

from loadtests.people import BALLOTS, Citizen

CANTEEN_ADDRESS = "203.0.113.7"
FARM_ADDRESS = "198.51.100.9"
"""Of the ranges for documentation (RFC 5737): nobody's, and no hosting company's."""

_PHONES = [
    f"Mozilla/5.0 (Linux; Android {android}; {model}) AppleWebKit/537.36 Mobile "
    f"MicroMessenger/8.0.{version}"
    for android in (10, 11, 12, 13)
    for model in ("V2055A", "M2102J2SC", "ELS-AN00", "PEGM00", "SM-G9910")
    for version in (18, 20, 24, 28, 32)
]
"""What a canteen's telephones say they are; popular ones come more often than others."""


class Neighbour(Citizen):
    """A person in the canteen: signs in, reads, votes once.

    Any answer but 201 is a failure: a shared address alone must cost nothing.
    """

    wait_time = constant(1)

    @task
    def vote_once(self) -> None:
        session = self.sign_in()
        if session is None:
            return
        phone = _PHONES[min(int(random.expovariate(0.05)), len(_PHONES) - 1)]
        headers = {"x-forwarded-for": CANTEEN_ADDRESS, "user-agent": phone}
        self.vote(session, self.choices(), expected=(201,), name="vote", headers=headers)


class Machine(Citizen):
    """A program with ten thousand tokens that votes for one candidate as fast as it can.

    It solves every challenge; locust's figures show what that costs.
    """

    wait_time = constant(0)

    @task
    def vote_for_money(self) -> None:
        session = self.sign_in()
        if session is None:
            return
        first = self._send(session, {"choices": [50]}, "farmed vote")
        if first is None or "challenge" not in first:
            return
        challenge = altcha.Challenge.from_dict(first["challenge"])
        solution = altcha.solve_challenge(challenge)
        assert solution is not None
        payload = altcha.Payload(challenge, solution).to_base64()
        self._send(session, {"choices": [50], "challenge": payload}, "farmed vote, paid")

    def _send(self, session: str, ballot: dict[str, Any], name: str) -> dict[str, Any] | None:
        with self.client.post(
            BALLOTS,
            data=json.dumps(ballot),
            headers={
                "content-type": "application/json",
                "authorization": f"Bearer {session}",
                "x-forwarded-for": FARM_ADDRESS,
                "user-agent": "Mozilla/5.0 (Linux; Android 11) MicroMessenger/8.0.16",
            },
            catch_response=True,
            name=name,
        ) as response:
            if response.status_code not in (201, 428):
                response.failure(f"answered {response.status_code}")
                return None
            response.success()
            body: dict[str, Any] = json.loads(response.text or "{}")
            if response.status_code == 201:
                self.confirm(body["receipt"]["ballot"])
            return body
