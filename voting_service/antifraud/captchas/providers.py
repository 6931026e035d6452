"""The providers there are, and the file of their secrets.

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

from voting_service.antifraud.captchas.captcha import Secrets
from voting_service.antifraud.captchas.gate import DEADLINE_SECONDS, Gate, Monotonic, Spend
from voting_service.antifraud.captchas.geetest import GeeTest
from voting_service.antifraud.captchas.tencent import Tencent
from voting_service.antifraud.captchas.turnstile import Turnstile
from voting_service.antifraud.captchas.yidun import Yidun
from voting_service.clock import Clock
from voting_service.contests.model import CaptchaProvider, ScreeningRules
from voting_service.errors import Fault, InvalidInput
from voting_service.outside.calls import Outside
from voting_service.settings import PREFIX, SettingsFault

SECRETS_VARIABLE = PREFIX + "CAPTCHA_SECRETS_FILE"
PROVIDERS: Mapping[str, Any] = {
    "turnstile": Turnstile,
    "geetest": GeeTest,
    "tencent": Tencent,
    "yidun": Yidun,
}
assert PROVIDERS.keys() == set(get_args(CaptchaProvider))
Key = tuple[str, str]
"""Provider and site key."""

log = structlog.get_logger(__name__)


class Captchas:
    """The gates of one worker, one for each provider and site key."""

    def __init__(
        self,
        secrets: Mapping[Key, Secrets],
        *,
        outside: Outside,
        clock: Clock,
        spend: Spend,
        monotonic: Monotonic,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._secrets = secrets
        self._outside = outside
        self._clock = clock
        self._spend = spend
        self._monotonic = monotonic
        self._deadline_seconds = deadline_seconds
        self._gates: dict[Key, Gate | None] = {}

    def gate(self, rules: ScreeningRules) -> Gate | None:
        """The contest's; None when it has no captcha, or one that is not set up here."""
        if rules.captcha is None or rules.site_key is None:
            return None
        key = (rules.captcha, rules.site_key)
        if key not in self._gates:
            self._gates[key] = self._open(rules.captcha, rules.site_key)
        return self._gates[key]

    def _open(self, provider: CaptchaProvider, site_key: str) -> Gate | None:
        secrets = self._secrets.get((provider, site_key))
        if secrets is None:
            log.error("captcha_not_set_up", provider=provider, missing=SECRETS_VARIABLE)
            return None
        try:
            captcha = PROVIDERS[provider](site_key, secrets, self._outside, self._clock)
        except InvalidInput as error:
            log.error("captcha_not_set_up", provider=provider, faults=str(error))  # noqa: TRY400
            return None
        return Gate(
            captcha,
            spend=self._spend,
            monotonic=self._monotonic,
            deadline_seconds=self._deadline_seconds,
        )


def read_captcha_secrets(path: Path | None) -> Mapping[Key, Secrets]:
    """Raises SettingsFault with every fault; no message holds any of the file's secrets."""
    if path is None:
        return {}
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsFault(Fault(SECRETS_VARIABLE, f"cannot be read: {error.strerror}")) from None
    except ValueError:
        raise SettingsFault(Fault(SECRETS_VARIABLE, "is not a TOML file in UTF-8")) from None
    secrets: dict[Key, Secrets] = {}
    faults: list[Fault] = []
    for provider, tables in contents.items():
        if provider not in PROVIDERS or not isinstance(tables, dict):
            known = ", ".join(PROVIDERS)
            faults.append(Fault(SECRETS_VARIABLE, f"tables are [PROVIDER.SITE_KEY], of {known}"))
            continue
        for site_key, table in tables.items():
            place = f"{SECRETS_VARIABLE} {provider}.{site_key}"
            try:
                secrets_type: type[Secrets] = PROVIDERS[provider].secrets_type
                secrets[provider, site_key] = secrets_type.model_validate(table)
            except ValidationError as error:
                faults.extend(
                    Fault(place, f"{'.'.join(map(str, one['loc']))} {_said(one['type'])}".strip())
                    for one in error.errors(include_input=False)
                )
    if faults:
        raise SettingsFault(*faults)
    return secrets


def _said(kind: str) -> str:
    return {
        "missing": "is missing",
        "extra_forbidden": "is no secret of this provider",
        "too_short": "is empty",
        "model_type": "must be a table",
        "model_attributes_type": "must be a table",
    }.get(kind, "must be a text")
