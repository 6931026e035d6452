"""Structured logs on stderr, one JSON object per line.

No call logs the headers, the body or the address of a request, so that no personal data gets into
the log; tests search the log for planted values.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TextIO, cast

import structlog

# structlog's own `dict_tracebacks` shows the local variables of every frame, and with them
# tokens and personal data.
_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


class _LossyStream:
    """A stream that loses what it cannot write, as on a full disk: no task or request may fail
    because it wrote a log line. The next line that is written is followed by how many were lost."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lost = 0

    def write(self, text: str) -> None:
        """Write a piece of a line."""
        self._attempt(lambda: self._stream.write(text))

    def flush(self) -> None:
        """End a line."""
        if self._attempt(self._stream.flush) and self._lost:
            lost, self._lost = self._lost, 0
            self.write(f'{{"event": "log_lines_lost", "level": "error", "lines": {lost}}}\n')

    def _attempt(self, output: Callable[[], object]) -> bool:
        try:
            output()
        except (OSError, ValueError):
            self._lost += 1
            return False
        return True


def configure_logs(level: str) -> None:
    """Set up structlog, and format what libraries log through `logging` in the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            _TRACEBACKS,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _LossyStream(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _TRACEBACKS,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
