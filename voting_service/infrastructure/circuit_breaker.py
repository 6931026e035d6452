"""A circuit breaker (Nygard, Release It!, 2007): no waiting for a service that has just failed."""

from __future__ import annotations

from collections.abc import Callable

Monotonic = Callable[[], float]
"""Seconds of a clock that never goes back, such as `time.monotonic`."""


class CircuitBreaker:
    """Decide whether a call to one service may be made. No I/O.

    The circuit opens after `failure_threshold` failed calls in a row and stays open for
    `open_seconds`. Then it is half open: one call in every `open_seconds` is let through until
    one succeeds, which closes the circuit.
    """

    def __init__(
        self, monotonic: Monotonic, *, failure_threshold: int, open_seconds: float
    ) -> None:
        self._monotonic = monotonic
        self._failure_threshold = failure_threshold
        self._open_seconds = open_seconds
        self._failures = 0
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a call would be refused now."""
        return self._is_tripped and self._monotonic() < self._open_until

    def try_acquire(self) -> bool:
        """Whether the caller may make its call; in a half-open circuit only the first may."""
        if self.is_open:
            return False
        if self._is_tripped:
            self._open()
        return True

    def record_success(self) -> None:
        """Close the circuit."""
        self._failures = 0

    def record_failure(self) -> None:
        """Count a failed call; open the circuit if there were enough in a row."""
        self._failures += 1
        if self._is_tripped:
            self._open()

    @property
    def _is_tripped(self) -> bool:
        return self._failures >= self._failure_threshold

    def _open(self) -> None:
        self._open_until = self._monotonic() + self._open_seconds
