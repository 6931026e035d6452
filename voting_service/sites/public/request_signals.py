"""The signals that a request carries about its sender: address, headers and session data."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import structlog
from starlette.types import Scope

from voting_service.antifraud.screening.client_signals import (
    ClientReader,
    Origin,
    Sender,
)
from voting_service.antifraud.screening.hosting_networks import cloud_networks
from voting_service.infrastructure.ip_addresses import is_private, parse_address
from voting_service.settings import Settings
from voting_service.sites.shared.client_address import client_address, is_trusted
from voting_service.voting.voters.session_token import Session

log = structlog.get_logger(__name__)

_REMEMBERED = 65_536
_MAX_REMEMBERED_CHARACTERS = 400
"""Longer values are not cached: clients choose them, and honest clients send shorter ones."""


class RequestSignals(msgspec.Struct, frozen=True, gc=False):
    """The raw signals of a request. `hints` are the client hint headers, joined."""

    peer: str
    forwarded_for: str
    user_agent: bytes
    languages: bytes
    hints: bytes

    @classmethod
    def from_scope(cls, scope: Scope, headers: dict[bytes, bytes]) -> RequestSignals:
        """Read the signals of a request. `headers` holds the last value of each header."""
        client = scope["client"]
        forwarded_for = b""
        if b"x-forwarded-for" in headers:
            forwarded_for = b",".join(
                [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
            )
        read = headers.get
        return cls(
            client[0] if client else "",
            forwarded_for.decode("latin-1"),
            read(b"user-agent", b""),
            read(b"accept-language", b""),
            read(b"sec-ch-ua", b"")
            + read(b"sec-ch-ua-platform", b"")
            + read(b"sec-ch-ua-mobile", b""),
        )


class SenderReader:
    """Reads the senders of one contest's votes. `key` is the contest's key for hashing networks."""

    def __init__(self, key: bytes, settings: Settings) -> None:
        self._trusted = settings.trusted_proxies
        self._clients = ClientReader(key, cloud_networks(), settings.exempt_networks)
        self._cached_origin = lru_cache(maxsize=_REMEMBERED)(self._forwarded_origin)
        self._warns_about_proxy = True
        self._may_be_proxy = lru_cache(maxsize=_REMEMBERED)(self._is_own_and_unnamed)

    def _forwarded_origin(self, peer: str, forwarded_for: str) -> Origin:
        return self._clients.origin(client_address(peer, forwarded_for, self._trusted))

    def _is_own_and_unnamed(self, peer: str) -> bool:
        """Return whether a machine on a network of one's own, or exempt, is no trusted proxy.

        From elsewhere anybody may send the header, so it tells nothing.
        """
        is_own = is_private(peer) or self._clients.origin(peer).exempt
        return is_own and not is_trusted(peer, self._trusted)

    def _warn_about_proxy(self, origin: Origin) -> None:
        """Log once that votes are forwarded by a machine that is no trusted proxy, so that every
        voter behind it is taken for one sender."""
        self._warns_about_proxy = False
        log.warning(
            "votes_from_unnamed_proxy",
            effect="its voters are not screened" if origin.exempt else "its voters are one network",
            remedy="name the proxy's network in VOTING_TRUSTED_PROXIES",
        )

    def read_address(self, signals: RequestSignals) -> str:
        """Return the client's address, for the captcha provider only; "" without one."""
        address = client_address(signals.peer, signals.forwarded_for, self._trusted)
        try:
            return str(parse_address(address))
        except ValueError:
            return ""

    def read_sender(self, signals: RequestSignals, session: Session, now_seconds: float) -> Sender:
        """Return the sender of a vote that is cast now."""
        peer, forwarded_for = signals.peer, signals.forwarded_for
        user_agent, languages, hints = signals.user_agent, signals.languages, signals.hints
        if not self._trusted:
            origin = self._clients.origin(peer)
        elif len(forwarded_for) > _MAX_REMEMBERED_CHARACTERS:
            origin = self._forwarded_origin(peer, forwarded_for)
        else:
            origin = self._cached_origin(peer, forwarded_for)
        if forwarded_for and self._warns_about_proxy and self._may_be_proxy(peer):
            self._warn_about_proxy(origin)
        if len(user_agent) + len(languages) + len(hints) > _MAX_REMEMBERED_CHARACTERS:
            device = self._clients.device.__wrapped__(user_agent, languages, hints)
        else:
            device = self._clients.device(user_agent, languages, hints)
        return Sender(
            origin, device, session.account_day, session.seconds_since_sign_in(now_seconds)
        )
