"""Sign in users of platforms as voters. The kinds of platform are the files of
`platform_adapters/`.
"""

from __future__ import annotations

import pkgutil
import time
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import httpx
import structlog
from pydantic import SecretStr

from voting_service.contests.model import Contest, Platform
from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
    TokenRefused,
    Unavailable,
)
from voting_service.infrastructure.clock import Clock, system_clock
from voting_service.infrastructure.http_clients.cached_document import Monotonic
from voting_service.infrastructure.http_clients.client import DEADLINE_SECONDS, BoundedClient
from voting_service.infrastructure.http_clients.json_web_tokens import peek_claim
from voting_service.infrastructure.http_clients.verification_keys import PublishedKeys
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.infrastructure.valkey import Valkey
from voting_service.settings import (
    PREFIX,
    Settings,
    SettingsFault,
)
from voting_service.voting.voters import platform_adapters
from voting_service.voting.voters.identity import Identity
from voting_service.voting.voters.keyring import QUERIES, ContestKeys
from voting_service.voting.voters.platform_adapter import (
    Adapter,
    AdapterFactory,
    AdapterTools,
    SignInAdapter,
)
from voting_service.voting.voters.platform_adapters import jwt
from voting_service.voting.voters.platform_diagnostics import DiagnosticFinding
from voting_service.voting.voters.pseudonym import account_pseudonym, pseudonym
from voting_service.voting.voters.session_token import (
    Session,
    account_day,
    issue,
    session_seconds,
)
from voting_service.voting.voters.token_examination import (
    SignInRules,
    SignInToken,
    examine_pasted,
)
from voting_service.voting.voters.used_tokens import UsedTokens

SECRETS_VARIABLE = PREFIX + "PLATFORM_SECRETS_FILE"
KINDS = tuple(sorted(module.name for module in pkgutil.iter_modules(platform_adapters.__path__)))
"""The kinds of platform."""
KINDS_WITH_REDIRECT = ("openid_connect", "wechat")
"""Those whose adapters are SignInAdapters: our own page sends the browser to the provider."""
KINDS_WITH_PERSON = ("jwt",)
"""Those that can name the person behind an account: WeChat and OpenID providers tell no number that
two platforms share."""

log = structlog.get_logger(__name__)


class SignIn:
    """Signs in the users of every platform; caches the adapters."""

    def __init__(
        self,
        *,
        http: httpx.AsyncClient,
        used_tokens: UsedTokens,
        clock: Clock,
        settings: Settings,
        monotonic: Monotonic = time.monotonic,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        """Raises SettingsFault when the file of platform secrets cannot be read."""
        secrets = read_platform_secrets(settings.platform_secrets_file)
        self._tools = AdapterTools(
            outside=BoundedClient(http, deadline_seconds=deadline_seconds),
            used_tokens=used_tokens,
            clock=clock,
            monotonic=monotonic,
            secret=lambda slug: _find_secret(secrets, slug),
        )
        self._adapters: dict[int, tuple[tuple[Any, ...], Adapter | InvalidInput]] = {}

    async def identify(self, platform: Platform, credential: str, *, contest_slug: str) -> Identity:
        """Return the identity behind a credential. Raises TokenRefused with the broken rule;
        Unavailable when the platform does not answer or is not set up."""
        return await self._working(platform).identify(credential, contest_slug=contest_slug)

    def redirecting(self, platform: Platform) -> SignInAdapter:
        """Return the adapter that leads browsers to the platform's provider. Raises TokenRefused
        for a platform that sends its users itself, otherwise as `identify`."""
        adapter = self._working(platform)
        if platform.kind not in KINDS_WITH_REDIRECT:
            raise TokenRefused("voting.voters.platform_sends_its_users")
        return cast(SignInAdapter, adapter)

    def _working(self, platform: Platform) -> Adapter:
        if not platform.enabled:
            raise TokenRefused("voting.voters.platform_switched_off")
        adapter = self._adapter(platform)
        if isinstance(adapter, InvalidInput):
            raise Unavailable(
                "voting.voters.platform_not_set_up", retry_after_seconds=60, slug=platform.slug
            )
        return adapter

    async def release(self, platform: Platform, credential: str) -> None:
        """Accept a token that `identify` accepted once more: its user could not be signed in."""
        jti = peek_claim(credential, "jti") if platform.kind == "jwt" else None
        if isinstance(jti, str):
            await self._tools.used_tokens.release(platform.id, jti)

    def audience(self, token: str) -> str | None:
        """Return the contest a token claims to be for, unverified; `identify` then checks it. None
        if the credential names none."""
        if len(token) > 4096:
            return None
        claim = peek_claim(token, "aud")
        if isinstance(claim, list) and len(claim) == 1:
            claim = claim[0]
        return claim if isinstance(claim, str) else None

    def named_contest(self, platform: Platform, credential: str) -> str:
        """Return the contest of a credential without a readable audience, if its kind names it.

        Raises TokenRefused.
        """
        if platform.kind == "jwt":
            return jwt.named_contest(credential)
        raise TokenRefused("voting.voters.contest_not_named")

    async def examine(
        self, platform: Platform | None, pasted: SignInToken, contests: Sequence[Contest]
    ) -> list[DiagnosticFinding]:
        """Return what `identify` would find about every part of a token, which is neither used up
        nor stored; None is a platform that is not registered."""
        adapter = self._adapter(platform) if platform else None
        keys = adapter.keys if isinstance(adapter, jwt.SignedTokenSignIn) else None
        rules = SignInRules(contests, self._tools.used_tokens, self._tools.clock())
        return await examine_pasted(pasted, platform, keys, rules)

    def faults(self, platform: Platform) -> tuple[Fault, ...]:
        """Return the faults that prevent sign-in, also for a platform not stored yet."""
        try:
            create_adapter(platform, self._tools)
        except InvalidInput as error:
            return error.faults
        return ()

    async def trial(self, platform: Platform) -> tuple[Fault, ...]:
        """Return the same faults; published keys are fetched as for a sign-in."""
        faults = self.faults(platform)
        if faults or platform.kind != "jwt":
            return faults
        source = jwt.key_source(platform, self._tools.outside, self._tools.monotonic)
        if isinstance(source, PublishedKeys):
            try:
                await source.fetch()
            except Unavailable as error:
                return (Fault.verbatim("jwks_url", error.text("en"), error.text("zh")),)
        return ()

    def _adapter(self, platform: Platform) -> Adapter | InvalidInput:
        """Return the cached adapter unless the sign-in itself changed: a change of name or ceiling
        keeps what it fetched (keys of a server that may be unavailable now). Ending the sessions
        drops it, as a published key may be why they were ended."""
        version = (
            platform.slug,
            platform.kind,
            platform.config,
            platform.person_policy,
            platform.sessions_not_before,
        )
        cached = self._adapters.get(platform.id)
        if cached is not None and cached[0] == version:
            return cached[1]
        adapter: Adapter | InvalidInput
        try:
            adapter = create_adapter(platform, self._tools)
        except InvalidInput as error:
            adapter = error
        if isinstance(adapter, InvalidInput):
            log.error("platform_not_set_up", platform=platform.slug, faults=str(adapter))
        self._adapters[platform.id] = version, adapter
        return adapter


async def try_sign_in(settings: Settings, platform: Platform) -> None:
    """Try the sign-in of a platform that is to be stored. Raises InvalidInput with the faults that
    would keep its users from signing in."""
    valkey = Valkey(settings.valkey_url)
    try:
        async with httpx.AsyncClient() as http:
            used_tokens = UsedTokens(valkey)
            sign_in = SignIn(
                http=http, used_tokens=used_tokens, clock=system_clock, settings=settings
            )
            faults = await sign_in.trial(platform)
    finally:
        await valkey.close()
    if faults:
        raise InvalidInput(*faults)


def create_adapter(platform: Platform, tools: AdapterTools) -> Adapter:
    """Return the adapter of a platform. Raises InvalidInput with every fault of its config."""
    if platform.kind not in KINDS:
        raise InvalidInput(Fault("kind", "voting.voters.unknown_kind", kinds=", ".join(KINDS)))
    if platform.person_policy == "required" and platform.kind not in KINDS_WITH_PERSON:
        raise InvalidInput(
            Fault("person_policy", "voting.voters.kind_without_person", kind=platform.kind)
        )
    factory: AdapterFactory = import_module(f"{platform_adapters.__name__}.{platform.kind}").adapter
    return factory(platform, tools)


def read_platform_secrets(path: Path | None) -> Mapping[str, SecretStr]:
    """Return secrets by platform slug, from a TOML file of lines `slug = "secret"`.

    Raises SettingsFault with every fault; no message contains any of the contents.
    """
    if path is None:
        return {}
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsFault(
            Fault(SECRETS_VARIABLE, "voting.voters.secrets_unreadable", strerror=error.strerror)
        ) from None
    except ValueError:
        raise SettingsFault(Fault(SECRETS_VARIABLE, "voting.voters.secrets_not_toml")) from None
    faults = [
        Fault(f"{SECRETS_VARIABLE} {slug}", "voting.voters.secret_empty")
        for slug, secret in contents.items()
        if not (isinstance(secret, str) and secret)
    ]
    if faults:
        raise SettingsFault(*faults)
    return {slug: SecretStr(secret) for slug, secret in contents.items()}


def _find_secret(secrets: Mapping[str, SecretStr], slug: str) -> SecretStr:
    if slug not in secrets:
        raise InvalidInput(Fault(SECRETS_VARIABLE, "voting.voters.no_secret", slug=slug))
    return secrets[slug]


async def bind_account(
    connection: AnyConnection, keys: ContestKeys, contest_id: int, identity: Identity
) -> None:
    """Bind the account of an identity with a person to this person, for the whole contest.

    Raises TokenRefused when it is bound to another person, and Refused once the voter key is
    destroyed.
    """
    if keys.pseudonym is None:
        raise Refused("voting.voters.voter_key_destroyed")
    account, voter = (hash_(keys.pseudonym, identity) for hash_ in (account_pseudonym, pseudonym))
    with domain_errors():
        bound = await connection.fetchval(QUERIES["bind_account"], contest_id, account, voter)
    if bound != voter:
        raise TokenRefused("voting.voters.account_of_another_person")


def open_session(
    keys: ContestKeys, contest: Contest, identity: Identity, now: datetime
) -> tuple[str, datetime]:
    """Return the session token of a voter, and when it expires.

    Raises Refused once the voter key is destroyed.
    """
    if keys.pseudonym is None:
        raise Refused("voting.voters.voter_key_destroyed")
    session = Session(
        contest_id=contest.id,
        platform_id=identity.platform_id,
        issued=int(now.timestamp()),
        lifetime=session_seconds(contest, now),
        account_day=account_day(identity.account_created),
        voter=pseudonym(keys.pseudonym, identity),
    )
    return issue(keys.session, session), datetime.fromtimestamp(session.expires, UTC)
