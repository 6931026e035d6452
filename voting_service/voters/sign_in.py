"""A platform's user becomes a voter: whoever signs in, by whatever kind, ends as an Identity.

The kinds are the files of `sign_in_kinds/`.
"""

from __future__ import annotations

import pkgutil
import time
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import structlog
from pydantic import SecretStr

from voting_service.clock import Clock
from voting_service.contests.model import Platform
from voting_service.errors import Fault, InvalidInput, Refused, TokenRefused, Unavailable
from voting_service.outside.calls import DEADLINE_SECONDS, Outside
from voting_service.outside.remembered import Monotonic
from voting_service.outside.signed_tokens import peek_claim
from voting_service.settings import PREFIX, Settings, SettingsFault
from voting_service.voters import sign_in_kinds
from voting_service.voters.identity import Identity
from voting_service.voters.keyring import ContestKeys
from voting_service.voters.pseudonym import pseudonym
from voting_service.voters.session import SESSION_SECONDS, Session, account_day, issue
from voting_service.voters.sign_in_kind import Adapter, AdapterFactory, Tools
from voting_service.voters.sign_in_kinds import jwt
from voting_service.voters.spent_tokens import SpentTokens

SECRETS_VARIABLE = PREFIX + "PLATFORM_SECRETS_FILE"
KINDS = tuple(sorted(module.name for module in pkgutil.iter_modules(sign_in_kinds.__path__)))
"""The kinds there are."""

log = structlog.get_logger(__name__)


class SignIn:
    """Signs in the users of every platform; holds the adapters of the platforms seen so far."""

    def __init__(
        self,
        *,
        http: httpx.AsyncClient,
        spent: SpentTokens,
        clock: Clock,
        settings: Settings,
        monotonic: Monotonic = time.monotonic,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        """Raises SettingsFault when the file of platform secrets cannot be read."""
        secrets = read_platform_secrets(settings.platform_secrets_file)
        self._tools = Tools(
            outside=Outside(http, deadline_seconds=deadline_seconds),
            spent=spent,
            clock=clock,
            monotonic=monotonic,
            secret=lambda slug: _secret_of(secrets, slug),
        )
        self._adapters: dict[int, tuple[tuple[Any, ...], Adapter | InvalidInput]] = {}

    async def identify(self, platform: Platform, credential: str, *, contest_slug: str) -> Identity:
        """Raises TokenRefused with the rule that is broken; Unavailable when the platform does
        not answer or is not set up."""
        if not platform.enabled:
            raise TokenRefused("platform: is switched off")
        adapter = self._adapter(platform)
        if isinstance(adapter, InvalidInput):
            raise Unavailable(f"sign-in over {platform.slug} is not set up", 60)
        return await adapter.identify(credential, contest_slug=contest_slug)

    def audience(self, token: str) -> str | None:
        """The contest that a token says it is for, not verified: only good for finding the
        contest that `identify` then holds it to. None where the credential does not say."""
        if len(token) > 4096:
            return None
        claim = peek_claim(token, "aud")
        if isinstance(claim, list) and len(claim) == 1:
            claim = claim[0]
        return claim if isinstance(claim, str) else None

    def named_contest(self, platform: Platform, credential: str) -> str:
        """The contest that a credential without a readable audience is for, where its kind says.

        Raises TokenRefused with what is wrong with it.
        """
        if platform.kind == "jwt":
            return jwt.named_contest(credential)
        raise TokenRefused("contest: is missing; a sign-in of this platform does not name it")

    def faults(self, platform: Platform) -> tuple[Fault, ...]:
        """What keeps the platform's users from signing in; also for one not yet stored."""
        try:
            adapter_of(platform, self._tools)
        except InvalidInput as error:
            return error.faults
        return ()

    def _adapter(self, platform: Platform) -> Adapter | InvalidInput:
        """Made anew only where the sign-in itself changed, so that what it learned (keys of a
        server that may be away now) outlives a change of the platform's name or ceiling."""
        version = (platform.slug, platform.kind, platform.config)
        known = self._adapters.get(platform.id)
        if known is not None and known[0] == version:
            return known[1]
        adapter: Adapter | InvalidInput
        try:
            adapter = adapter_of(platform, self._tools)
        except InvalidInput as error:
            log.error("platform_not_set_up", platform=platform.slug, faults=str(error))  # noqa: TRY400
            adapter = error
        self._adapters[platform.id] = version, adapter
        return adapter


def adapter_of(platform: Platform, tools: Tools) -> Adapter:
    """The platform's adapter. Raises InvalidInput with every fault of its config."""
    if platform.kind not in KINDS:
        raise InvalidInput(Fault("kind", f"must be one of {', '.join(KINDS)}"))
    factory: AdapterFactory = import_module(f"{sign_in_kinds.__name__}.{platform.kind}").adapter
    return factory(platform, tools)


def read_platform_secrets(path: Path | None) -> Mapping[str, SecretStr]:
    """Secrets by platform slug, from a TOML file of lines `slug = "secret"`.

    Raises SettingsFault with every fault; no message holds any of the file's contents.
    """
    if path is None:
        return {}
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsFault(Fault(SECRETS_VARIABLE, f"cannot be read: {error.strerror}")) from None
    except ValueError:
        raise SettingsFault(Fault(SECRETS_VARIABLE, "is not a TOML file in UTF-8")) from None
    faults = [
        Fault(f"{SECRETS_VARIABLE} {slug}", "must be a text that is not empty")
        for slug, secret in contents.items()
        if not (isinstance(secret, str) and secret)
    ]
    if faults:
        raise SettingsFault(*faults)
    return {slug: SecretStr(secret) for slug, secret in contents.items()}


def _secret_of(secrets: Mapping[str, SecretStr], slug: str) -> SecretStr:
    if slug not in secrets:
        raise InvalidInput(
            Fault(SECRETS_VARIABLE, f'must name a TOML file with the line {slug} = "SECRET"')
        )
    return secrets[slug]


def open_session(
    keys: ContestKeys, contest_id: int, identity: Identity, now: datetime
) -> tuple[str, datetime]:
    """The session token of a contest's voter, and when it ends.

    Raises Refused once the voters' key is destroyed: nobody can be told apart any more.
    """
    if keys.pseudonym is None:
        raise Refused(
            "the voters' key of this contest is destroyed; nobody can sign in to it any more"
        )
    expires = int(now.timestamp()) + SESSION_SECONDS
    voter = pseudonym(keys.pseudonym, identity)
    session = Session(
        contest_id, identity.platform_id, expires, account_day(identity.account_created), voter
    )
    token = issue(keys.session, session)
    return token, datetime.fromtimestamp(expires, UTC)
