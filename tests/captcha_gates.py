"""Gates to fake providers, for the tests of the adapters, the API and the pages."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.captcha_providers import FakeProvider
from voting_service.antifraud.captchas.gate import Gate
from voting_service.antifraud.captchas.providers import Captchas, read_captcha_secrets
from voting_service.clock import Clock
from voting_service.contests.model import ScreeningRules
from voting_service.outside.calls import Outside
from voting_service.public.worker import Worker


async def every_time(_token: str, _seconds: int) -> bool:
    """Remembers nothing: what is left is the gate's memory and the provider's."""
    return True


def nowhere(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no such host", request=request)


def captcha_rules(fake: FakeProvider) -> ScreeningRules:
    """What a contest file says to use it."""
    return ScreeningRules(captcha=fake.provider, site_key=fake.site_key)  # type: ignore[arg-type]


def secrets_file(folder: Path, fake: FakeProvider, **changes: str) -> Path:
    """VOTING_CAPTCHA_SECRETS_FILE with the provider's secrets, or wrong ones."""
    lines = [f'{name} = "{text}"' for name, text in {**fake.secrets_table, **changes}.items()]
    path = folder / "captchas.toml"
    path.write_text("\n".join([f'[{fake.provider}."{fake.site_key}"]', *lines]), encoding="utf-8")
    return path


def gate_to(
    fake: FakeProvider,
    folder: Path,
    clock: Clock,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    spend: Callable[[str, int], Awaitable[bool]] = every_time,
    secrets: Mapping[str, str] | None = None,
    transport: Any = None,
    deadline_seconds: float = 2.0,
) -> tuple[Gate, httpx.AsyncClient]:
    """The gate to a fake, and the client to close; `transport` is what answers instead."""
    mounts = {} if transport else {fake.host: httpx.ASGITransport(fake.app)}
    client = httpx.AsyncClient(transport=transport or httpx.MockTransport(nowhere), mounts=mounts)
    captchas = Captchas(
        read_captcha_secrets(secrets_file(folder, fake, **(secrets or {}))),
        outside=Outside(client, deadline_seconds=60),
        clock=clock,
        spend=spend,
        monotonic=monotonic,
        deadline_seconds=deadline_seconds,
    )
    gate = captchas.gate(captcha_rules(fake))
    assert gate is not None
    return gate, client


def install(worker: Worker, slug: str, gate: Gate | None) -> None:
    """Makes it the gate of every contest, also when the worker reads its contests again."""
    setattr(worker.captchas, "gate", lambda _rules: gate)  # noqa: B010 — a method
    worker.desk(slug).challenges.gate = gate
