"""The verifier in JavaScript, in Node: what it accepts and which faults it reports."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.sites.public.log.conftest import SCRIPT, Ask, Verify
from tests.voting.public_log.log_builder import CUT_KEY, LogBuilder, LogPlan, build_log, build_open
from tests.voting.public_log.log_data import LOG, LOG_KEY
from voting_service.voting.public_log.commitments import split_tags

VECTORS = Path(__file__).parents[3] / "infrastructure/transparency_log/merkle_vectors.json"
FLIPS = 40
SUMS = ("close-bundles", "close-ballots", "close-held")
NEAR_A_BLOCK = (0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 128, 100_000)


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def test_its_hashes_are_those_of_others(ask: Ask) -> None:
    data = [Random(length).randbytes(length) for length in NEAR_A_BLOCK]
    answers = ask([{"ask": "sha256", "data": base64(item)} for item in data])
    assert answers == [base64(sha256(item).digest()) for item in data]


def test_it_follows_the_paths_that_others_follow(ask: Ask) -> None:
    vectors = msgspec.json.decode(VECTORS.read_bytes())["inclusion"]
    vectors = [item for item in vectors if len(b64decode(item["leafHash"] or "")) == 32]
    assert len(vectors) > 50
    cases = [
        {
            "ask": "path", "hash": item["leafHash"], "index": item["leafIdx"],
            "size": item["treeSize"], "path": item["proof"] or [],
        }
        for item in vectors
    ]  # fmt: skip
    for item, root in zip(vectors, ask(cases), strict=True):
        assert (root == item["root"]) is not item["wantErr"], item["name"]


def test_the_names_of_tiles(ask: Ask) -> None:
    answers = ask([{"ask": "tilePath", "n": n} for n in (0, 5, 999, 1000, 1234067)])
    assert answers == ["000", "005", "999", "x001/000", "x001/x234/067"]


def test_every_sentence_is_said_in_both_languages(ask: Ask) -> None:
    (sentences,) = ask([{"ask": "codes"}])
    written = SCRIPT.read_text(encoding="utf-8")
    for code, (english, chinese) in sentences.items():
        blanks = [sorted(re.findall(r"\{\w+\}", text)) for text in (english, chinese)]
        assert blanks[0] == blanks[1], code
        assert not re.search(r"[A-Za-z]{3,}", re.sub(r"\{\w+\}|JSON|--.*|node.*", "", chinese)), (
            code
        )
        assert code in SUMS or written.count(f'"{code}"') > 1, f"nothing says {code}"


def test_a_good_log_is_right(folder: Path, log: LogBuilder, verify: Verify, tmp_path: Path) -> None:
    older, receipt = tmp_path / "older", tmp_path / "receipt.json"
    older.write_bytes(log.checkpoint(size=4))
    receipt.write_bytes(msgspec.json.encode(log.receipt(2, 3)))
    done = verify(folder, "--checkpoint", older, "--receipt", receipt)
    lines = done.stdout.splitlines()
    assert (done.returncode, lines[-1]) == (0, "The log is right.")
    assert f"{len(log.entries)} entries" in lines[0]
    assert "600 ballots" in lines[1]
    assert "The log continues the older checkpoint of 4 entries." in lines
    assert any(
        line.startswith(f"The ballot of the proof {receipt} is in this log since") for line in lines
    )
    assert not done.stderr


def test_the_announced_key_must_have_signed_the_result(
    folder: Path, verify: Verify, tmp_path: Path
) -> None:
    for name, key in (("announced", CUT_KEY), ("other", LOG_KEY)):
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / name).write_bytes(pem)
    assert verify(folder, "--key", tmp_path / "announced").returncode == 0
    other = verify(folder, "--key", tmp_path / "other")
    assert other.returncode == 1
    assert "not signed with the announced key" in other.stdout


def test_it_reads_a_log_from_its_address(folder: Path, verify: Verify) -> None:
    handler = partial(Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_port}"
        right, missing = verify(address), verify(f"{address}/nothing/")
        server.shutdown()
    assert (right.returncode, right.stdout.splitlines()[-1]) == (0, "The log is right.")
    assert (missing.returncode, "The file key is missing." in missing.stdout) == (1, True)


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_log_whose_vote_goes_on_is_right(verify: Verify, tmp_path: Path) -> None:
    build_open(LogPlan(ballots=600, seed=7)).write(tmp_path / "log")
    done = verify(tmp_path / "log")
    assert "Voting is still open" in done.stdout
    assert done.returncode == 0


def test_a_fork_and_a_shorter_log_are_refused(
    folder: Path, log: LogBuilder, verify: Verify, tmp_path: Path
) -> None:
    other = build_log(LogPlan(ballots=600, seed=8))
    for name, checkpoint in (("fork", other.checkpoint()), ("longer", log.checkpoint())):
        (tmp_path / name).write_bytes(checkpoint)
    forked = verify(folder, "--checkpoint", tmp_path / "fork")
    assert forked.returncode == 1
    assert "there are two different logs" in forked.stdout
    shorter = build_open(LogPlan(ballots=600, seed=7))
    shorter.write(tmp_path / "shorter")
    shrunk = verify(tmp_path / "shorter", "--checkpoint", tmp_path / "longer")
    assert shrunk.returncode == 1
    assert "entries were removed" in shrunk.stdout


def test_a_log_without_witnesses_needs_a_word(
    log: LogBuilder, verify: Verify, tmp_path: Path
) -> None:
    log.write(tmp_path / "log", log.checkpoint(witnesses={}))
    alone = verify(tmp_path / "log")
    assert alone.returncode == 1
    assert "No witness has signed this checkpoint" in alone.stdout
    assert verify(tmp_path / "log", "--allow-unwitnessed").returncode == 0


def test_no_changed_bit_goes_unnoticed(ask: Ask, folder: Path) -> None:
    (folder / "tile/0/000.p").joinpath("3").write_bytes(
        next((folder / "tile/0/000.p").iterdir()).read_bytes()[: 3 * 32]
    )
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    random = Random(3)
    cases: list[dict[str, Any]] = [
        {
            "ask": "flip",
            "path": str(path.relative_to(folder)),
            "bit": random.randrange(8 * path.stat().st_size),
        }
        for path in [*files, *random.choices(files, k=FLIPS)]
    ]
    for case, outcome in zip(cases, ask(cases, folder), strict=True):
        assert outcome["faults"], (case, outcome["report"])


def test_a_durable_receipt_alone_proves_its_ballot(ask: Ask, log: LogBuilder) -> None:
    tag = split_tags(log.tags[2])[3]
    proof = msgspec.json.encode(log.receipt(2, 3))
    key = LOG.text
    other = msgspec.json.encode(log.receipt(3, 0))
    random = Random(5)
    flips = [bytearray(proof) for _ in range(FLIPS)]
    for changed in flips:
        changed[random.randrange(len(proof))] ^= 1 << random.randrange(8)
    receipts = [(proof, None), (other, "00" * 16), *((bytes(item), None) for item in flips)]
    right, foreign, *changed_ones = ask(
        [
            {"ask": "receipt", "proof": base64(data), "key": key, "ballot": ballot}
            for data, ballot in receipts
        ]
    )
    assert (right["entry"]["bundle"], right["size"]) == (2, len(log.entries))
    assert tag.hex() in proof.decode()
    assert foreign == "This proof belongs to another ballot."
    for data, outcome in zip(flips, changed_ones, strict=True):
        unread = (
            b"\xe2\x80\x94 " in data and outcome == right
        )  # a line of a witness, read by others
        assert isinstance(outcome, str) or unread, bytes(data)


@pytest.mark.parametrize("words", [(), ("a", "b"), ("a", "--checkpoint"), ("--what",)])
def test_wrong_usage_prints_the_usage(verify: Verify, words: tuple[str, ...]) -> None:
    done = verify(*words)
    assert (done.returncode, done.stderr[:6]) == (2, "Usage:")
