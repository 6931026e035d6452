"""The circuit breaker: when it opens, whom it lets through, when it closes."""

from __future__ import annotations

from voting_service.infrastructure.circuit_breaker import CircuitBreaker


class StoppedClock:
    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def breaker(clock: StoppedClock, failure_threshold: int = 2) -> CircuitBreaker:
    return CircuitBreaker(clock, failure_threshold=failure_threshold, open_seconds=5.0)


def test_it_opens_after_failures_in_a_row_and_not_before() -> None:
    circuit = breaker(StoppedClock())
    circuit.record_failure()
    circuit.record_success()
    circuit.record_failure()
    assert circuit.try_acquire()
    circuit.record_failure()
    assert circuit.is_open
    assert not circuit.try_acquire()


def test_half_open_lets_one_call_through_in_each_period() -> None:
    clock = StoppedClock()
    circuit = breaker(clock, failure_threshold=1)
    circuit.record_failure()
    for _ in range(3):
        clock.seconds += 5.0
        assert not circuit.is_open
        assert [circuit.try_acquire() for _ in range(3)] == [True, False, False]


def test_a_success_closes_it_for_everybody() -> None:
    clock = StoppedClock()
    circuit = breaker(clock, failure_threshold=1)
    circuit.record_failure()
    clock.seconds += 5.0
    assert circuit.try_acquire()
    circuit.record_success()
    assert [circuit.try_acquire() for _ in range(3)] == [True] * 3
