"""The captcha providers, and the file of their secrets.

The file of VOTING_CAPTCHA_SECRETS_FILE is TOML, a table for each provider and site key; the names
below it are those in the docstring of the provider's file:

    [turnstile.0x4AAAAAAAexample]
    secret = "…"

    [tencent.199999164]
    app_secret_key = "…"
    secret_id = "…"
    secret_key = "…"

    [geetest.CAPTCHA_ID]
    captcha_key = "…"

    [yidun.CAPTCHA_ID]
    secret_id = "…"
    secret_key = "…"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import structlog
from pydantic import ValidationError

from voting_service.antifraud.captchas.adapter import CaptchaSecrets
from voting_service.antifraud.captchas.geetest import GeeTest
from voting_service.antifraud.captchas.tencent import Tencent
from voting_service.antifraud.captchas.turnstile import Turnstile
from voting_service.antifraud.captchas.verifier import CaptchaVerifier, VerifierOptions
from voting_service.antifraud.captchas.yidun import Yidun
from voting_service.contests.model import CaptchaProvider, ScreeningRules
from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.http_clients.client import BoundedClient
from voting_service.settings import PREFIX, SettingsFault

SECRETS_VARIABLE = PREFIX + "CAPTCHA_SECRETS_FILE"
ADAPTERS: Mapping[str, Any] = {
    "turnstile": Turnstile,
    "geetest": GeeTest,
    "tencent": Tencent,
    "yidun": Yidun,
}
assert ADAPTERS.keys() == set(get_args(CaptchaProvider))
SiteKey = tuple[str, str]
"""Provider and site key."""

log = structlog.get_logger(__name__)


class CaptchaRegistry:
    """The captcha verifiers of one worker, one for each provider and site key."""

    def __init__(
        self,
        secrets: Mapping[SiteKey, CaptchaSecrets],
        http_client: BoundedClient,
        clock: Clock,
        options: VerifierOptions,
    ) -> None:
        self._secrets = secrets
        self._http_client = http_client
        self._clock = clock
        self._options = options
        self._verifiers: dict[SiteKey, CaptchaVerifier | None] = {}

    def verifier(self, rules: ScreeningRules) -> CaptchaVerifier | None:
        """Return the contest's verifier; None if it has no captcha, or one without secrets."""
        if rules.captcha is None or rules.site_key is None:
            return None
        key = (rules.captcha, rules.site_key)
        if key not in self._verifiers:
            self._verifiers[key] = self._create(rules.captcha, rules.site_key)
        return self._verifiers[key]

    def _create(self, provider: CaptchaProvider, site_key: str) -> CaptchaVerifier | None:
        secrets = self._secrets.get((provider, site_key))
        if secrets is None:
            _log_not_set_up(provider, missing=SECRETS_VARIABLE)
            return None
        try:
            adapter = ADAPTERS[provider](site_key, secrets, self._http_client, self._clock)
        except InvalidInput as error:
            _log_not_set_up(provider, faults=str(error))
            return None
        return CaptchaVerifier(adapter, self._options)


def _log_not_set_up(provider: CaptchaProvider, **why: str) -> None:
    log.error("captcha_not_set_up", provider=provider, **why)


def read_captcha_secrets(path: Path | None) -> Mapping[SiteKey, CaptchaSecrets]:
    """Read the file of secrets; empty without a path.

    Raises SettingsFault with every fault; no message contains a secret of the file.
    """
    if path is None:
        return {}
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsFault(
            Fault(
                SECRETS_VARIABLE,
                "antifraud.captchas.secrets_file_unreadable",
                strerror=error.strerror,
            )
        ) from None
    except ValueError:
        raise SettingsFault(
            Fault(SECRETS_VARIABLE, "antifraud.captchas.secrets_file_not_toml")
        ) from None
    secrets: dict[SiteKey, CaptchaSecrets] = {}
    faults: list[Fault] = []
    for provider, tables in contents.items():
        if provider not in ADAPTERS or not isinstance(tables, dict):
            providers = ", ".join(ADAPTERS)
            faults.append(
                Fault(SECRETS_VARIABLE, "antifraud.captchas.unknown_provider", known=providers)
            )
            continue
        for site_key, table in tables.items():
            secrets_type: type[CaptchaSecrets] = ADAPTERS[provider].secrets_type
            try:
                secrets[provider, site_key] = secrets_type.model_validate(table)
            except ValidationError as error:
                faults.extend(_table_faults(f"{SECRETS_VARIABLE} {provider}.{site_key}", error))
    if faults:
        raise SettingsFault(*faults)
    return secrets


def _table_faults(table: str, error: ValidationError) -> list[Fault]:
    return [
        Fault(
            ".".join((table, *map(str, fault["loc"]))),
            _FAULT_CODES.get(fault["type"], "antifraud.captchas.secret_not_text"),
        )
        for fault in error.errors(include_input=False)
    ]


_FAULT_CODES = {
    "missing": "antifraud.captchas.secret_missing",
    "extra_forbidden": "antifraud.captchas.unknown_secret",
    "too_short": "antifraud.captchas.secret_empty",
    "model_type": "antifraud.captchas.secrets_not_a_table",
    "model_attributes_type": "antifraud.captchas.secrets_not_a_table",
}
"""Codes by the type of pydantic's error."""
