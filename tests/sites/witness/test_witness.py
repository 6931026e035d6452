"""A witness as a process would ask it, and the log's side of the talk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from click.testing import CliRunner

from tests.browser.serving import serving
from tests.patience import PATIENCE_SECONDS
from tests.voting.public_log.log_data import LOG, LOG_KEY, ORIGIN, WITNESS_KEYS, WITNESSES
from voting_service.cli import root
from voting_service.errors import Refused, Unavailable
from voting_service.infrastructure.http_clients.client import BoundedClient, open_http_client
from voting_service.infrastructure.transparency_log.checkpoints import (
    Checkpoint,
    cosigned_at,
    sign_checkpoint,
)
from voting_service.infrastructure.transparency_log.merkle import Tree, consistency_proof, hash_leaf
from voting_service.infrastructure.transparency_log.signed_note import (
    SignedNote,
    read_signature_line,
    read_verifier_key,
)
from voting_service.infrastructure.transparency_log.witness import WitnessRequest
from voting_service.sites.witness.app import WitnessState, create_app
from voting_service.sites.witness.cosigned import open_cosigned_logs
from voting_service.voting.public_log.publication import (
    LogContent,
    Published,
    PublishedLog,
    publish,
)
from voting_service.voting.public_log.witness_client import LogFork, Witness, WitnessPanel

NAMES = tuple(WITNESS_KEYS)
NOON = 1_658_116_800
ENTRIES = [b"entry %d" % number for number in range(700)]


class RunningWitness(NamedTuple):
    """A witness that answers, and its client."""

    http: httpx.AsyncClient
    file: Path

    async def add(self, request: WitnessRequest | bytes) -> httpx.Response:
        body = request if isinstance(request, bytes) else request.data
        return await self.http.post("/add-checkpoint", content=body)


@asynccontextmanager
async def witness(file: Path, name: str = NAMES[0]) -> AsyncIterator[RunningWitness]:
    """The witness of the test log, whose clock stands."""
    with open_cosigned_logs(file) as cosigned:
        state = WitnessState(name, WITNESS_KEYS[name], {ORIGIN: LOG}, cosigned, lambda: NOON)
        async with (
            serving(create_app(state)) as (_, origin),
            httpx.AsyncClient(base_url=origin, timeout=PATIENCE_SECONDS) as http,
        ):
            yield RunningWitness(http, file)


def tree(size: int, changed: int = -1) -> Tree:
    entries = [b"changed" if n == changed else entry for n, entry in enumerate(ENTRIES[:size])]
    return Tree(map(hash_leaf, entries))


def note(size: int, changed: int = -1) -> SignedNote:
    return sign_checkpoint(Checkpoint(ORIGIN, size, tree(size, changed).root()), LOG_KEY)


def continuing(old: int, new: int, changed: int = -1) -> WitnessRequest:
    """A request with the true proof in the log that has the checkpoint."""
    proof = consistency_proof(old, new, tree(new, changed).node)
    return WitnessRequest(old, tuple(proof), note(new, changed).data)


async def test_it_cosigns_what_continues_and_remembers_it(tmp_path: Path) -> None:
    file = tmp_path / "state" / "cosigned.json"
    async with witness(file) as running:
        assert read_verifier_key((await running.http.get("/key")).text) == WITNESSES[0]
        for old, new in ((0, 3), (3, 3), (3, 300), (300, 301)):
            answer = await running.add(continuing(old, new))
            assert answer.status_code == 200, answer.text
            line = read_signature_line(answer.text.removesuffix("\n"))
            assert cosigned_at(note(new).text, line, WITNESSES[0]) == NOON
        with pytest.raises(Refused, match="another witness process"), open_cosigned_logs(file):
            pass
    async with witness(file) as running:
        behind = await running.add(continuing(300, 400))
        assert (behind.status_code, behind.text) == (409, "301\n")
        assert behind.headers["content-type"].startswith("text/x.tlog.size")
        assert (await running.add(continuing(301, 400))).status_code == 200


async def test_nothing_else_is_cosigned(tmp_path: Path) -> None:
    other_key = WITNESS_KEYS[NAMES[1]]
    forged = sign_checkpoint(Checkpoint(ORIGIN, 20, tree(20).root()), other_key)
    other_log = note(10)._replace(text=note(10).text.replace("bayu-2022", "other"))
    async with witness(tmp_path / "cosigned.json") as running:
        assert (await running.add(continuing(0, 10))).status_code == 200
        before = running.file.read_bytes()
        refused: dict[str, tuple[int, WitnessRequest | bytes]] = {
            "another root": (409, continuing(10, 10, changed=3)),
            "another history": (422, continuing(10, 20, changed=3)),
            "a missing hash": (422, continuing(10, 20)._replace(proof=())),
            "a smaller log": (400, WitnessRequest(10, (), note(9).data)),
            "an old size": (409, continuing(9, 20)),
            "from the start": (409, continuing(0, 20)),
            "signed by another": (403, continuing(10, 20)._replace(checkpoint=forged.data)),
            "another log": (404, WitnessRequest(0, (), other_log.data)),
            "no request": (400, b"old ten\n\n" + note(20).data),
            "no base64": (400, b"old 10\n!!\n\n" + note(20).data),
            "nothing": (400, b""),
            "too much": (413, bytes(100_000)),
        }
        for reason, (status, request) in refused.items():
            answer = await running.add(request)
            assert answer.status_code == status, (reason, answer.text)
        assert running.file.read_bytes() == before
        assert (await running.add(continuing(10, 20))).status_code == 200


async def published(folder: Path, size: int, panel: WitnessPanel, changed: int = -1) -> Published:
    log = PublishedLog(folder, LOG)
    entries = [b"changed" if n == changed else entry for n, entry in enumerate(ENTRIES[:size])]
    content = LogContent(note(size, changed).data, log.start, entries[log.start :], {}, {})
    return await publish(log, content, panel)


async def test_a_log_is_published_with_the_witnesses_that_answer(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    async with open_http_client() as client:
        bounded = BoundedClient(client)

        def panel(*origins: object) -> WitnessPanel:
            addresses = zip(WITNESSES, map(str, origins), strict=True)
            return WitnessPanel(bounded, [Witness(key, origin) for key, origin in addresses])

        nowhere = "http://127.0.0.1:9"
        with pytest.raises(Unavailable, match="witnesses that do not answer"):
            await published(folder, 5, panel(nowhere, nowhere))
        assert not (folder / "checkpoint").exists()
        async with witness(tmp_path / "one.json", NAMES[0]) as first_witness:
            first = await published(folder, 5, panel(first_witness.http.base_url, nowhere))
            assert (dict(first.cosigned), first.missing) == ({NAMES[0]: NOON}, (NAMES[1],))
            async with witness(tmp_path / "two.json", NAMES[1]) as second_witness:
                both = panel(first_witness.http.base_url, second_witness.http.base_url)
                late = await published(folder, 5, both)
                assert (dict(late.cosigned), late.missing) == (dict.fromkeys(NAMES, NOON), ())
                assert (await published(folder, 600, both)).missing == ()
                before = (folder / "checkpoint").read_bytes()
                # The folder is lost and the database is an old one: the witnesses know.
                empty = tmp_path / "empty"
                with pytest.raises(LogFork, match=f"{NAMES[0]} has cosigned another log of 600"):
                    await published(empty, 500, both)
                with pytest.raises(LogFork, match=r"cosigned another|does not continue"):
                    await published(empty, 650, both, changed=7)
                assert not (empty / "checkpoint").exists()
                assert (await published(empty, 650, both)).missing == ()
        assert (folder / "checkpoint").read_bytes() == before


def test_a_key_is_made_once_and_printed(tmp_path: Path) -> None:
    file = tmp_path / "witness.pem"
    command = ["witness", "new-key", "unions.example/w1", "--key", str(file)]
    made = CliRunner().invoke(root, command)
    assert read_verifier_key(made.output).name == "unions.example/w1"
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    again = CliRunner().invoke(root, command)
    assert isinstance(again.exception, Refused)
    assert file.read_bytes() == before
    wrong = ["witness", "new-key", "two words", "--key", str(tmp_path / "other.pem")]
    assert isinstance(CliRunner().invoke(root, wrong).exception, Refused)
    assert not (tmp_path / "other.pem").exists()
