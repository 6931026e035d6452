"""Memory is bounded by processing in blocks; their size does not change the results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.antifraud.forensics_crowds import (
    HOUR_MS,
    START_MS,
    honest,
    make_columns,
    popular,
)
from voting_service.antifraud.forensics import (
    columns,
    lockstep,
    prepare,
    rates,
    scan,
)
from voting_service.antifraud.forensics.examine import examine


def test_blocks_of_any_size_give_the_same_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(31)
    bots = replace(
        honest(rng, 60),
        cast_at=START_MS + 60 * HOUR_MS + rng.integers(0, HOUR_MS, 60),
        ip=np.full(60, 888_888),
        device=np.full(60, 700),
        choices=popular(rng, 60, 12),
    )
    ballots, _ = make_columns(honest(rng, 1_500), bots)
    whole = examine(ballots)
    assert whole.verdict.any()
    monkeypatch.setattr(prepare, "_BLOCK_ROWS", 701)
    monkeypatch.setattr(lockstep, "_BLOCK_VOTES", 1_009)
    monkeypatch.setattr(rates, "_BLOCK_VOTES", 499)
    monkeypatch.setattr(scan, "_BLOCK_VOTES", 97)
    parts = examine(ballots)
    assert (parts.verdict == whole.verdict).all()
    assert np.allclose(parts.score, whole.score, atol=1e-5)
    assert [campaign.sentence_en for campaign in parts.campaigns] == [
        campaign.sentence_en for campaign in whole.campaigns
    ]


@given(texts=st.lists(st.text("ab\N{CJK UNIFIED IDEOGRAPH-7968}", min_size=1, max_size=6)))
def test_a_duplicate_identifier_is_found(texts: list[str]) -> None:
    identifiers = np.array([text.encode() for text in texts], dtype=np.bytes_)
    assert columns._all_distinct(identifiers) == (len(set(texts)) == len(texts))


@given(counts=st.lists(st.integers(0, 4)), seed=st.integers(0, 99))
def test_gather_returns_the_counted_values_from_each_start(counts: list[int], seed: int) -> None:
    values = np.arange(20, dtype=np.int16)
    starts = np.random.default_rng(seed).integers(0, 16, len(counts))
    slow = [int(values[a + k]) for a, n in zip(starts, counts, strict=True) for k in range(n)]
    taken = prepare.gather(values, starts, np.array(counts, dtype=np.int32))
    assert taken.tolist() == slow
