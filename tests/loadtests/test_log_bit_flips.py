"""A few of the changes that `python -m loadtests.log_bit_flips` makes by the thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.log_bit_flips import BitFlips, flip
from tests.voting.public_log.forgeries import PLAN
from tests.voting.public_log.log_builder import build_log

KINDS = {
    "key",
    "checkpoint",
    "bundles",
    "documents",
    "receipt",
    "tile/0/000.p",
    "tile/entries/000.p",
}


def test_no_changed_bit_of_any_file_is_missed(tmp_path: Path) -> None:
    build_log(PLAN).write(tmp_path)
    flips = BitFlips(tmp_path)
    result = flip(flips, 120, seed=1)
    assert result.keys() == KINDS
    assert {kind: missed for kind, (_, missed) in result.items() if missed} == {}
    assert all(done for done, _ in result.values())


def test_what_no_check_reads_would_be_missed(tmp_path: Path) -> None:
    """The count of what is missed can be other than 0."""
    build_log(PLAN).write(tmp_path)
    (tmp_path / "note.txt").write_bytes(b"named by no entry")
    flips = BitFlips(tmp_path)
    assert not flips.is_found("note.txt", 3)
    (tmp_path / "checkpoint").write_bytes(b"")
    with pytest.raises(SystemExit):
        BitFlips(tmp_path)
