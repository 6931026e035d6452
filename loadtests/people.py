"""Locust users: voters and readers, also on phones with a bad network.

Each is signed in as by the demo platform, with DATA/platforms/demo.pem.
`--confirmed FILE` collects the ballot ids of every 201 for `loadtests.check`.
"""

from __future__ import annotations

import json
import os
import random
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from locust import FastHttpUser, between, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from loadtests import CONTEST
from loadtests.voters import PlatformSigner

_CONTEST_PATH = f"/api/v1/contests/{CONTEST}"
BALLOTS = f"{_CONTEST_PATH}/ballots"

_confirmed: list[str] = []
"""Ballot ids of the 201s of this process that have not been handed on."""


def _add_options(parser: LocustArgumentParser) -> None:
    parser.add_argument("--confirmed", default="", help="file for the ballot ids of every 201")
    parser.add_argument(
        "--signing-key",
        default=str(Path(os.environ.get("VOTING_DATA", "data")) / "platforms" / "demo.pem"),
        help="the demo platform's private key",
    )


def _hand_on(client_id: str, data: dict[str, Any]) -> None:
    data["confirmed"] = _confirmed.copy()
    _confirmed.clear()


def _gather(client_id: str, data: dict[str, Any]) -> None:
    _confirmed.extend(data.get("confirmed", ()))


def _write_down(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    if options is not None and options.confirmed and not options.worker:
        Path(options.confirmed).write_text("".join(f"{ballot}\n" for ballot in _confirmed))


_LISTENERS = {
    events.init_command_line_parser: _add_options,
    events.report_to_master: _hand_on,
    events.worker_report: _gather,
    events.quitting: _write_down,
}
for _hook, _listener in _LISTENERS.items():
    _hook.add_listener(_listener)  # type: ignore[no-untyped-call]


class Citizen(FastHttpUser):
    """A user of the media platform; each round of tasks is a new person."""

    abstract = True
    network_timeout = 15.0
    connection_timeout = 15.0
    _signer: ClassVar[PlatformSigner | None] = None
    _rules: ClassVar[tuple[int, int, list[int]] | None] = None

    def on_start(self) -> None:
        if Citizen._signer is None:
            options = self.environment.parsed_options
            Citizen._signer = PlatformSigner(Path(options.signing_key))
        if Citizen._rules is None:
            rules = self.client.get(_CONTEST_PATH).json()["ballot"]
            listed = self.client.get(f"{_CONTEST_PATH}/candidates").json()["candidates"]
            numbers = [candidate["number"] for candidate in listed]
            Citizen._rules = rules["min_choices"], rules["max_choices"], numbers

    def sign_in(self) -> str | None:
        """Return a new person's session; None if the service refused, which locust records."""
        assert self._signer is not None
        body = self._signer.sign_in_body(f"load-{uuid.uuid4().hex}")
        with self.client.post(
            "/api/v1/sessions",
            data=body.decode(),
            headers={"content-type": "application/json"},
            catch_response=True,
        ) as response:
            if response.status_code != 201:
                response.failure(f"sign-in answered {response.status_code}")
                return None
            session: str = response.json()["session"]
            return session

    def choices(self) -> list[int]:
        """Return choices within the contest's rules; the first candidates are more popular."""
        assert self._rules is not None
        fewest, most, numbers = self._rules
        chosen: set[int] = set()
        for _ in range(random.randint(max(1, fewest), most)):
            chosen.add(numbers[min(int(random.expovariate(0.08)), len(numbers) - 1)])
        spare = (number for number in numbers if number not in chosen)
        while len(chosen) < fewest:
            chosen.add(next(spare))
        return sorted(chosen)

    def confirm(self, ballot: str) -> None:
        """Write down a 201 for the later check."""
        _confirmed.append(ballot)

    def vote(
        self,
        session: str,
        choices: list[int],
        *,
        expected: tuple[int, ...],
        name: str,
        headers: Mapping[str, str] | None = None,
    ) -> str | None:
        """Send a ballot. Return the receipt's text, or None."""
        with self.client.post(
            BALLOTS,
            data=json.dumps({"choices": choices}),
            headers={
                "content-type": "application/json",
                "authorization": f"Bearer {session}",
                **(headers or {}),
            },
            catch_response=True,
            name=name,
        ) as response:
            if response.status_code not in expected:
                response.failure(f"answered {response.status_code}, not one of {expected}")
                return None
            response.success()
            text: str = response.text or ""
            if response.status_code == 201:
                self.confirm(json.loads(text)["receipt"]["ballot"])
            return text if response.status_code in (200, 201) else None


class Reader(Citizen):
    """Reads candidates and standings, then again with cached entity tags."""

    weight = 3
    wait_time = between(0.5, 2)
    _etag = ""

    @task(3)
    def look_at_standings(self) -> None:
        self.client.get(f"{_CONTEST_PATH}/standings")

    @task(1)
    def look_at_candidates(self) -> None:
        response = self.client.get(
            f"{_CONTEST_PATH}/candidates", headers={"if-none-match": self._etag or '""'}
        )
        if response.headers is not None:
            self._etag = str(response.headers.get("etag") or self._etag)

    @task(1)
    def look_at_one(self) -> None:
        assert self._rules is not None
        number = random.choice(self._rules[2])
        self.client.get(
            f"{_CONTEST_PATH}/candidates/{number}", name=f"{_CONTEST_PATH}/candidates/N"
        )


class Voter(Citizen):
    """Signs in, votes and reads the standings; each round is a new person."""

    weight = 7
    wait_time = between(0.2, 1)

    @task
    def vote_once(self) -> None:
        session = self.sign_in()
        if session is None:
            return
        choices = self.choices()
        first = self.vote(session, choices, expected=(201,), name="vote")
        if random.random() < 0.2:
            again = self.vote(session, choices, expected=(200,), name="vote, sent again")
            if first is not None and again is not None and again != first:
                raise AssertionError("a retry got another receipt")
        self.client.get(f"{_CONTEST_PATH}/standings")


class Stubborn(Citizen):
    """Sends the same ballot repeatedly, and another one in between."""

    wait_time = constant(0)

    @task
    def insist(self) -> None:
        session = self.sign_in()
        if session is None:
            return
        choices = self.choices()
        receipts = {self.vote(session, choices, expected=(201,), name="vote")}
        for _ in range(8):
            receipts.add(self.vote(session, choices, expected=(200,), name="vote, sent again"))
        other = [number for number in self._numbers() if number not in choices][: len(choices)]
        self.vote(session, other, expected=(409,), name="vote, another ballot")
        if len(receipts - {None}) > 1:
            raise AssertionError("retries of one ballot got different receipts")

    def _numbers(self) -> list[int]:
        assert self._rules is not None
        return self._rules[2]
