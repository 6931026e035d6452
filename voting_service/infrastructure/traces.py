"""OpenTelemetry traces, off unless VOTING_TRACES_URL is set; then `otlp.py` sends them.

While they are off, nothing of OpenTelemetry is imported, and a step costs one look at a variable.
A span has no address, no voter and no ballot in it: of a request the endpoint, method and status.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from importlib.util import find_spec
from pkgutil import resolve_name
from typing import Any, ParamSpec, Protocol, TypeVar

from voting_service.settings import Settings

PACKAGE = "opentelemetry"
_EXPORTER = "voting_service.infrastructure.otlp:exporter"
"""Named, not imported."""

P = ParamSpec("P")
R = TypeVar("R")
AsyncFunction = Callable[P, Coroutine[Any, Any, R]]


class Span(Protocol):
    """A part of a trace, while it lasts."""

    def update_name(self, name: str) -> None: ...

    def set_attribute(self, key: str, value: str | int) -> None: ...


OpenSpan = Callable[[str], AbstractContextManager[Span | None]]

_OFF = nullcontext()
_open_span: OpenSpan | None = None


def is_on() -> bool:
    """Return whether spans are sent."""
    return _open_span is not None


def span(name: str) -> AbstractContextManager[Span | None]:
    """Trace what happens inside the block; None where traces are off."""
    return _OFF if _open_span is None else _open_span(name)


def traced(name: str) -> Callable[[AsyncFunction[P, R]], AsyncFunction[P, R]]:
    """Trace each call of a coroutine function."""

    def decorate(function: AsyncFunction[P, R]) -> AsyncFunction[P, R]:
        @wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with span(name):
                return await function(*args, **kwargs)

        return call

    return decorate


def is_installed() -> bool:
    """Return whether the packages of the extra `traces` are there."""
    return find_spec(PACKAGE) is not None


@contextmanager
def tracing(settings: Settings, process: str) -> Iterator[None]:
    """Send traces inside the block; what is left is sent at its end."""
    global _open_span  # noqa: PLW0603
    if settings.traces_url is None:
        yield
        return
    url, share = str(settings.traces_url), settings.traces_share
    with resolve_name(_EXPORTER)(url, share, process) as open_span:
        _open_span = open_span
        try:
            yield
        finally:
            _open_span = None
