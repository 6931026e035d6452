"""The forgeries that the first verifier finds, and the sentence of the second about each."""

from __future__ import annotations

from base64 import b64encode
from types import MappingProxyType

from tests.sites.public.log.conftest import Ask
from tests.voting.public_log.forgeries import FORGERIES, ForgedLog

SENTENCES = MappingProxyType(
    {
        "receipt_of_another_log": "The bundle that the proof receipt names is not in this log.",
        "tags_count": "ballots; the log says",
        "close_ballots": "The close counts 700 ballots; the bundles have 699.",
        "tags_root": "a ballot was exchanged, added or removed",
        "tag_twice": "is in the log twice",
        "tags_unordered": "is not in order",
        "replaced_lost": "which it replaces",
        "late_bundle": "was added after voting closed",
        "log_forked": "there are two different logs",
        "bundle_size": "it must have 100 to 1,024",
        "bundle_number": "a bundle is missing, doubled or moved",
        "moment_back": "is dated before the entry in front of it",
        "wrong_root": "do not lead to the signed root",
        "required_witness_missing": "whom you trust, has not signed",
        "wrong_cosignature": "The signature of the witness",
        "unwitnessed": "No witness has signed this checkpoint",
        "log_shorter": "entries were removed",
        "wrong_checkpoint": "The checkpoint is not signed by the log",
        "other_key": "opened with another key",
        "wrong_opening": "are not those committed to while voting was open",
        "bundle_unopened": "leave out a bundle or have one too many",
        "bundle_opened": "leave out a bundle or have one too many",
        "impossible_counts": "more votes than its ballots can hold",
        "other_void": "The rulings made 15 ballots void, the openings 17.",
        "other_votes": "votes for candidate 1; the log has",
        "ruling_number": "a ruling is missing, doubled or moved",
        "other_ruling_opened": "The openings do not open ruling 4.",
        "wrong_ruling_opening": "is not what it was committed to",
        "held_unruled": "ballots were in question, but the rulings decide",
        "early_openings": "opens the counts before voting closed",
        "version_number": "of the result stands where version 1 should",
        "wrong_result": "of the result|in version 2 do not follow",
        "other_signing_key": "with another key than the version before",
        "other_contest": "states other rules than those in force",
        "not_withdrawn": "has other withdrawn candidates than the log",
        "still_ranked": "has other withdrawn candidates than the log",
        "late_settings": "changes the settings after voting closed",
        "closed_early": "at another moment than announced",
        "other_rules": "The rules have another contest",
        "wrong_document": "was changed: its hash is another",
    }
)
"""Part of the sentence, by the first verifier's code."""


def described(forged: ForgedLog) -> dict[str, object]:
    """A forged log with what its reader has, for the process."""
    return {
        "ask": "log",
        "files": {path: b64encode(data).decode() for path, data in forged.files.items()},
        "checkpoints": [forged.older.decode()] if forged.older else [],
        "receipts": [b64encode(forged.receipt).decode()] if forged.receipt else [],
        "witnesses": list(forged.witnesses),
    }


def test_every_forgery_is_found_and_named(ask: Ask) -> None:
    assert len(FORGERIES) > 20
    reports = ask([described(forgery.make()) for forgery in FORGERIES])
    for forgery, lines in zip(FORGERIES, reports, strict=True):
        assert lines[-1] == "The log is wrong.", forgery.name
        wrong = "\n".join(line for line in lines if line.startswith("✗"))
        parts = SENTENCES[forgery.code].split("|")
        assert any(part in wrong for part in parts), (forgery.name, wrong)
