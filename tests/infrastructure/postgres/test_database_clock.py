"""The offset of a clock from one query to Postgres, and what is logged about it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.infrastructure.postgres.tcp_proxy import tcp_proxy
from tests.patience import PATIENCE_SECONDS
from voting_service.errors import Unavailable
from voting_service.infrastructure.postgres import database_clock
from voting_service.infrastructure.postgres.database_clock import (
    MAX_OFFSET_SECONDS,
    ClockReading,
    ClockWatch,
    Offset,
)
from voting_service.infrastructure.postgres.pool import open_pool

NOW = datetime(2022, 7, 18, 12, tzinfo=UTC)
SECONDS = st.floats(-100, 100)
WAY = st.floats(0, 10)


def measure(
    off: float, there: float = 0.0, back: float = 0.0
) -> tuple[ClockReading, datetime, ClockReading]:
    """Return what a clock that is `off` seconds ahead measures over a slow connection."""
    sent = NOW + timedelta(seconds=off)
    database = NOW + timedelta(seconds=there)
    way = there + back
    return ClockReading(sent, 0.0), database, ClockReading(sent + timedelta(seconds=way), way)


@given(off=SECONDS, there=WAY, back=WAY)
def test_the_true_offset_is_within_the_bounds_and_a_right_clock_is_never_called_wrong(
    off: float, there: float, back: float
) -> None:
    sent, database, received = measure(off, there, back)
    offset = Offset.measured(sent.moment, database, received.moment)
    microsecond = 2e-6
    assert offset.least_seconds - microsecond <= off <= offset.most_seconds + microsecond
    assert offset.certain_seconds <= abs(off) + microsecond
    assert offset.certain_seconds >= abs(off) - there - back - microsecond


@pytest.mark.parametrize(
    ("off", "state"),
    [
        (0.0, "ok"),
        (1.9, "ok"),
        (-1.9, "ok"),
        (2.1, "ahead by 2.1 s"),
        (-2.1, "behind by 2.1 s"),
        (25_200.0, "ahead by 25200.0 s"),
    ],
)
def test_more_than_two_seconds_is_wrong(off: float, state: str) -> None:
    watch = ClockWatch(lambda: NOW + timedelta(seconds=off), monotonic=lambda: 0.0)
    assert watch.state == "not measured"
    watch.judge(*measure(off))
    assert watch.state == state
    if state == "ok":
        assert watch.require() == NOW + timedelta(seconds=off)
    else:
        with pytest.raises(Unavailable, match="clock of this server is wrong") as refusal:
            watch.require()
        assert 1 <= refusal.value.retry_after_seconds <= 4


def test_a_clock_that_jumps_is_not_trusted_until_it_is_measured() -> None:
    now, passed = NOW, 0.0
    watch = ClockWatch(lambda: now, monotonic=lambda: passed)
    watch.judge(*measure(0.0))
    now, passed = NOW + timedelta(seconds=61), 60.0
    watch.require()
    now = NOW - timedelta(hours=1)
    with pytest.raises(Unavailable, match="clock of this server is wrong"):
        watch.require()
    sent, database, received = measure(0.0)
    for hours in (-1, 1):
        set_meanwhile = received._replace(moment=NOW + timedelta(hours=hours))
        watch.judge(sent, database, set_meanwhile)
        with pytest.raises(Unavailable, match="clock of this server is wrong"):
            watch.require()
    watch.judge(*measure(-3600.0))
    assert watch.state == "behind by 3600.0 s"
    now, passed = NOW, 0.0
    watch.judge(*measure(0.0))
    watch.require()


def test_one_line_in_the_log_when_it_turns_wrong_and_one_when_it_is_right_again() -> None:
    watch = ClockWatch(lambda: NOW)
    with capture_logs() as lines:
        for off in (0.0, 7.0, 7.0, 2.05, 1.95, 2.05, 0.1, 0.1):
            watch.judge(*measure(off))
    logged = [(line["log_level"], line["event"]) for line in lines]
    assert logged == [("error", "clock_wrong"), ("warning", "clock_recovered")]
    assert lines[0]["clock"] == "ahead by 7.0 s"


async def test_it_is_measured_for_ever_and_outages_are_no_reason_to_stop(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_clock, "MEASURE_EVERY_SECONDS", 0.01)
    off = timedelta()
    turned = asyncio.Event()

    class NotifyingWatch(ClockWatch):
        def judge(self, sent: ClockReading, database: datetime, received: ClockReading) -> None:
            super().judge(sent, database, received)
            turned.set()

    async def next_state() -> str:
        for _ in range(2):  # one that was on its way may have read the clock before
            turned.clear()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await turned.wait()
        return watch.state

    watch = NotifyingWatch(lambda: datetime.now(UTC) + off)
    async with tcp_proxy(database_url) as wire, open_pool(wire.url, size=1) as pool:
        measuring = asyncio.create_task(watch.keep_measured(pool))
        assert await next_state() == "ok"
        off = timedelta(seconds=60)
        assert (await next_state()).startswith("ahead by ")
        wire.cut()
        off = timedelta(seconds=-60)
        assert (await next_state()).startswith("behind by ")
        off = timedelta(seconds=MAX_OFFSET_SECONDS / 4)
        assert await next_state() == "ok"
        measuring.cancel()
