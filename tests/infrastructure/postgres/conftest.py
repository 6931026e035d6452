"""What every test of this folder needs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog


@pytest.fixture(autouse=True)
def logs_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A start check sets the logs of its process up. Here it does so for one test, and no logger
    remembers it: a later test would look for its lines in vain."""
    before, root, configure = structlog.get_config(), logging.getLogger(), structlog.configure

    def configure_for_now(**values: Any) -> None:
        configure(**values | {"cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", configure_for_now)
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    configure(**before)
