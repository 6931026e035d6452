"""The verifier accepts what is in order and names what is not."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.project.stats import ROOT
from tests.voting.public_log.forgeries import (
    FORGERIES,
    OTHER_KEY,
    PLAN,
    STOLEN,
    ForgedLog,
    Forgery,
)
from tests.voting.public_log.log_builder import (
    CUT_KEY,
    LogBuilder,
    LogPlan,
    build_closed,
    build_log,
    build_open,
)
from tests.voting.public_log.log_data import WITNESSES
from tests.voting.public_log.log_files import MemorySource
from voting_service.i18n.catalogues import find_text
from voting_service.i18n.text import LANGUAGES
from voting_service.voting.public_log import verification
from voting_service.voting.public_log.verification.report import Report
from voting_service.voting.public_log.verification.verifier import ReaderEvidence, verify_log


def verified(forged: ForgedLog) -> Report:
    evidence = ReaderEvidence(
        older=forged.older, receipt=forged.receipt, witnesses=forged.witnesses
    )
    return verify_log(MemorySource(forged.files), evidence)


def codes(report: Report, kind: str) -> list[str]:
    return [line.code for line in report.lines if line.kind == kind]


def test_a_log_that_is_in_order_is_shown_to_be_so() -> None:
    """With everything that a reader can have besides."""
    log = build_log(PLAN)
    evidence = ReaderEvidence(
        older=log.checkpoint(3),
        witnesses=tuple(witness.text for witness in WITNESSES),
        receipt=msgspec.json.encode(log.receipt(2, 0)),
        result_key=CUT_KEY.public_key(),
    )
    seen: list[tuple[int, int]] = []
    source = MemorySource(dict(log.files()))
    report = verify_log(source, evidence, lambda done, every: seen.append((done, every)))
    assert not report.faults
    assert codes(report, "note") == []
    assert codes(report, "shown") == [
        "log",
        "tree",
        "witness",
        "witness",
        "older",
        "receipt",
        "entries",
        "ballots",
        "documents",
        "close",
        "openings",
        "result",
    ]
    assert seen[-1] == (len(log.tags), len(log.tags))
    [result] = [line.text for line in report.lines if line.code == "result"]
    selected = msgspec.json.decode(log.cuts[-1])["document"]["selected"]
    assert ", ".join(map(str, selected)) in result.en
    assert "、".join(map(str, selected)) in result.zh


@pytest.mark.parametrize(
    ("build", "last"),
    [
        (lambda: build_open(LogPlan(400, seed=3)), "not_closed"),
        (lambda: build_closed(LogPlan(400, seed=3)), "not_opened"),
        (lambda: build_log(LogPlan(60, seed=3)), "result"),
        (lambda: build_log(LogPlan(0, seed=3)), "result"),
    ],
    ids=["open", "closed", "one small bundle", "no ballot"],
)
def test_a_log_is_in_order_at_every_stage(build: Callable[[], LogBuilder], last: str) -> None:
    report = verify_log(MemorySource(dict(build().files())))
    assert not report.faults
    assert codes(report, "shown")[-1] == last


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_a_forgery_is_found_and_named(forgery: Forgery) -> None:
    faults = verified(forgery.make()).faults
    assert forgery.code in [line.code for line in faults]
    [named, *_] = [line.text for line in faults if line.code == forgery.code]
    assert re.search(r"[a-z]", named.en) and re.search(r"[一-鿿]", named.zh)
    assert "{" not in named.en + named.zh


def test_what_is_no_fault_is_said() -> None:
    """A witness that is late, another's signature, files that nobody named."""
    log = build_log(PLAN)
    checkpoint = log.checkpoint(witnesses={**STOLEN, "paper.example/w9": OTHER_KEY})
    report = verified(ForgedLog(log, checkpoint))
    assert codes(report, "note") == ["witness_missing", "unknown_signer", "result_key"]
    assert not report.faults
    unwitnessed = MemorySource(dict(log.files(log.checkpoint(witnesses={}))))
    allowed = verify_log(unwitnessed, ReaderEvidence(allow_unwitnessed=True))
    assert "unwitnessed" in codes(allowed, "note") and not allowed.faults


def test_what_lies_beside_the_log_is_named() -> None:
    """An older partial tile is the beginning of the newer one; one from a larger log is not of
    this one."""
    log = build_log(PLAN)
    files = dict(log.files())
    (tile,) = (data for path, data in files.items() if path.startswith("tile/0/"))
    beside = {
        "tile/0/000.p/5": tile[: 5 * 32],
        "tile/0/000.p/200": tile,
        "bundles/99": b"",
    }
    report = verified(ForgedLog(log, changed=beside))
    assert codes(report, "note").count("unnamed_file") == 2
    assert not report.faults
    beside["tile/0/000.p/5"] = tile[32 : 6 * 32]
    assert codes(verified(ForgedLog(log, changed=beside)), "fault") == ["wrong_tile"]


def test_days_with_more_ballots_than_people_are_named() -> None:
    """They are no fault of the log, and a question to the platform."""
    log = build_open(PLAN)
    log.state("b", signed_in=100, stored=130)
    report = verified(ForgedLog(log))
    assert not report.faults
    [question] = [line.text for line in report.lines if line.code == "more_stored"]
    assert "130" in question.en and "100" in question.zh


def test_the_page_for_lawyers_and_journalists_has_every_forgery() -> None:
    page = (ROOT / "docs" / "public-log.md").read_text(encoding="utf-8")
    assert [forgery.name for forgery in FORGERIES if f"`{forgery.name}`" not in page] == []


def verification_calls() -> Iterator[tuple[str, set[str]]]:
    """The names of the sentences that the checks use, with what they fill in."""
    for path in Path(verification.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                name = node.args[0] if node.args else None
                if node.func.id in {"fault", "note"} and isinstance(name, ast.Constant):
                    yield str(name.value), {str(keyword.arg) for keyword in node.keywords}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_there_with_its_placeholders(language: str) -> None:
    calls = list(verification_calls())
    assert len(calls) > 50
    for name, given in calls:
        path = f"voting.public_log.verification.{name}"
        sentence = find_text("errors_voting", path, "zh" if language == "zh" else "en")
        assert sentence, name
        assert set(re.findall(r"{(\w+)}", sentence)) <= given, name
