"""Who sends a vote, read from a request: address, headers, and what the session knows."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import structlog
from starlette.types import Scope

from voting_service.addresses import parse_address
from voting_service.antifraud.clients import ClientReader, Origin, Sender
from voting_service.antifraud.networks import cloud_networks
from voting_service.settings import Settings
from voting_service.voters.session import Session
from voting_service.web.client_address import client_address

log = structlog.get_logger(__name__)

_REMEMBERED = 65_536
_MAX_REMEMBERED_CHARACTERS = 400
"""What a client may write at will is not remembered when it is longer than honest ones make it."""


class Machine(NamedTuple):
    """What of a request tells its sender, as it was sent. `hints` are the client hints."""

    peer: str
    forwarded_for: str
    user_agent: bytes
    languages: bytes
    hints: bytes

    @classmethod
    def of(cls, scope: Scope, sent: dict[bytes, bytes]) -> Machine:
        """From a request; `sent` are its headers, of which the last of a name counts."""
        client = scope["client"]
        forwarded_for = b""
        if b"x-forwarded-for" in sent:
            forwarded_for = b",".join(
                value for name, value in scope["headers"] if name == b"x-forwarded-for"
            )
        read = sent.get
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
    """Senders of one contest's votes; `key` is the contest's for hashes of networks."""

    def __init__(self, key: bytes, settings: Settings) -> None:
        self._trusted = settings.trusted_proxies
        self._clients = ClientReader(key, cloud_networks(), settings.exempt_networks)
        self._origin_of = lru_cache(maxsize=_REMEMBERED)(self._forwarded_origin)
        self._proxy_is_named = True

    def _forwarded_origin(self, peer: str, forwarded_for: str) -> Origin:
        address = client_address(peer, forwarded_for, self._trusted)
        origin = self._clients.origin(address)
        if forwarded_for and address == peer:
            self._tell_of_proxy(origin)
        return origin

    def _tell_of_proxy(self, origin: Origin) -> None:
        """Once: an exempt machine passes votes on without being a trusted proxy, so all who come
        over it would be exempt. Anybody else may write the header as they like."""
        if self._proxy_is_named and origin.exempt:
            self._proxy_is_named = False
            log.warning(
                "votes_come_over_an_unnamed_proxy",
                remedy="name it in VOTING_TRUSTED_PROXIES; until then its voters are not screened",
            )

    def address_of(self, machine: Machine) -> str:
        """The client's address, for a captcha's provider and nobody else; "" without one."""
        address = client_address(machine.peer, machine.forwarded_for, self._trusted)
        try:
            return str(parse_address(address))
        except ValueError:
            return ""

    def of(self, machine: Machine, session: Session, now_seconds: float) -> Sender:
        """The sender of a vote that is cast now."""
        peer, forwarded_for, user_agent, languages, hints = machine
        if not self._trusted:
            origin = self._clients.origin(peer)
            if forwarded_for:
                self._tell_of_proxy(origin)
        elif len(forwarded_for) > _MAX_REMEMBERED_CHARACTERS:
            origin = self._forwarded_origin(peer, forwarded_for)
        else:
            origin = self._origin_of(peer, forwarded_for)
        if len(user_agent) + len(languages) + len(hints) > _MAX_REMEMBERED_CHARACTERS:
            device = self._clients.device.__wrapped__(user_agent, languages, hints)
        else:
            device = self._clients.device(user_agent, languages, hints)
        return Sender(
            origin, device, session.account_day, session.seconds_since_sign_in(now_seconds)
        )
