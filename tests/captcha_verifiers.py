"""Captcha verifiers with fake providers, for the tests of the adapters, the API and the pages."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.captcha_providers import FakeProvider
from tests.patience import PATIENCE_SECONDS
from voting_service.antifraud.captchas.registry import CaptchaRegistry, read_captcha_secrets
from voting_service.antifraud.captchas.verifier import CaptchaVerifier, VerifierOptions
from voting_service.contests.model import ScreeningRules
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.http_clients.client import BoundedClient
from voting_service.sites.public.state import PublicState


async def always_first_use(_token: str, _seconds: int) -> bool:
    """A `mark_used` that stores nothing: only the verifier and the provider remember."""
    return True


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no such host", request=request)


def captcha_rules(fake: FakeProvider) -> ScreeningRules:
    """The contest file's rules that select the provider."""
    return ScreeningRules(captcha=fake.provider, site_key=fake.site_key)  # type: ignore[arg-type]


def secrets_file(folder: Path, fake: FakeProvider, **changes: str) -> Path:
    """VOTING_CAPTCHA_SECRETS_FILE with the provider's secrets, or wrong ones."""
    lines = [f'{name} = "{text}"' for name, text in {**fake.secrets_table, **changes}.items()]
    path = folder / "captchas.toml"
    path.write_text("\n".join([f'[{fake.provider}."{fake.site_key}"]', *lines]), encoding="utf-8")
    return path


def verifier_for(
    fake: FakeProvider,
    folder: Path,
    clock: Clock,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    mark_used: Callable[[str, int], Awaitable[bool]] = always_first_use,
    secrets: Mapping[str, str] | None = None,
    transport: Any = None,
    deadline_seconds: float = PATIENCE_SECONDS,
) -> tuple[CaptchaVerifier, httpx.AsyncClient]:
    """A verifier with a fake provider, and the client to close; `transport` replies instead."""
    mounts = {} if transport else {fake.host: httpx.ASGITransport(fake.app)}
    client = httpx.AsyncClient(
        transport=transport or httpx.MockTransport(unreachable), mounts=mounts
    )
    captchas = CaptchaRegistry(
        read_captcha_secrets(secrets_file(folder, fake, **(secrets or {}))),
        BoundedClient(client, deadline_seconds=PATIENCE_SECONDS),
        clock,
        VerifierOptions(mark_used, monotonic, deadline_seconds),
    )
    verifier = captchas.verifier(captcha_rules(fake))
    assert verifier is not None
    return verifier, client


def install(state: PublicState, slug: str, verifier: CaptchaVerifier | None) -> None:
    """Makes it the verifier of every contest, also when the worker reads its contests again."""
    setattr(state.captchas, "verifier", lambda _rules: verifier)  # noqa: B010 — a method
    state.contest_state(slug).challenges.captcha_verifier = verifier
