"""A measured round, closed and open loop, against a live service."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from loadtests.bench_votes import stored
from loadtests.measure import ballot_requests, measure
from loadtests.rounds import Outcome, Round, Same, percentile, run_round
from loadtests.stand import Stand


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 0.999))
def test_a_percentile_is_one_of_the_values_and_no_less_than_its_share(
    values: list[float], share: float
) -> None:
    ordered = sorted(values)
    value = percentile(ordered, share)
    assert value in ordered
    assert sum(item <= value for item in ordered) >= share * len(ordered)


def test_no_values_have_no_percentile() -> None:
    assert percentile([], 0.5) == 0.0


async def test_every_vote_of_a_round_is_confirmed_and_paid_for(stand: Stand) -> None:
    before = await stored(stand)
    measured = await measure(
        stand, "serve", ballot_requests(await stand.minting()), connections=4, seconds=0.5
    )
    outcome = measured.outcome
    assert outcome.unexpected == 0
    assert outcome.expected == await stored(stand) - before > 0
    assert 0 < outcome.p50_ms <= outcome.p95_ms <= outcome.p99_ms <= outcome.max_ms
    assert measured.worker_us > 0
    assert measured.total_us > measured.worker_us


async def test_an_open_loop_sends_what_is_due_and_counts_other_answers(stand: Stand) -> None:
    round_ = Round(
        address=stand.address(),
        requests=Same(request=b"GET /nowhere HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"),
        connections=2,
        seconds=0.5,
        rate=100,
        expected_status=200,
    )
    outcome: Outcome = await asyncio.to_thread(run_round, round_)
    assert outcome.statuses == {404: 50}
    assert (outcome.expected, outcome.unexpected) == (0, 50)
