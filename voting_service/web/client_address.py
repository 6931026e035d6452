"""Whose request this is on the network: X-Forwarded-For is believed from trusted proxies only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

NETWORK_BYTES = 8
_V4_PREFIX, _V6_PREFIX = 24, 64
_MAX_REMEMBERED_CHARACTERS = 200

Networks = Sequence[IPv4Network | IPv6Network]


def _parse(address: str) -> IPv4Address | IPv6Address:
    """An address; an IPv4 one that a socket for both kinds shows as ::ffff:192.0.2.1 is IPv4.

    Raises ValueError.
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def _is_trusted(address: str, trusted: Networks) -> bool:
    try:
        parsed = _parse(address)
    except ValueError:
        return False
    return any(parsed.version == network.version and parsed in network for network in trusted)


def client_address(peer: str, forwarded_for: str, trusted: Networks) -> str:
    """The nearest address that is not a trusted proxy's, read from the right.

    Whatever a client writes into the header stands to the left of what the first proxy adds,
    so it is never reached; anything that is no address ends the walk.
    """
    address = peer
    hops = [hop.strip() for hop in forwarded_for.split(",")] if forwarded_for else []
    while hops and _is_trusted(address, trusted):
        candidate = hops.pop()
        try:
            _parse(candidate)
        except ValueError:
            break
        address = candidate
    return address


def _network(peer: str, forwarded_for: str, trusted: Networks) -> IPv4Network | IPv6Network | None:
    """The client's /24 or /64; None when the address is not one (a Unix socket)."""
    try:
        parsed = _parse(client_address(peer, forwarded_for, trusted))
    except ValueError:
        return None
    prefix = _V4_PREFIX if parsed.version == 4 else _V6_PREFIX
    return ip_network((parsed, prefix), strict=False)


def client_network(peer: str, forwarded_for: str, trusted: Networks) -> str:
    """The client's network as text, `192.0.2.0/24`; "" without one. For staff only: of a voter
    nothing but the keyed hash is kept."""
    return str(_network(peer, forwarded_for, trusted) or "")


class NetworkHasher:
    """Keyed hashes of /24 and /64 networks, hex; the same network gives the same hash within a
    contest, and nothing without its key."""

    def __init__(self, key: bytes, trusted: Networks) -> None:
        self._key = key
        self._trusted = tuple(trusted)
        self._remembered = lru_cache(maxsize=65_536)(self._hash)

    def of(self, peer: str, forwarded_for: str) -> str:
        """The hash, or "" when the address is not one (a Unix socket).

        What a client may write at will is not remembered: neither a header that nobody trusted
        has passed on, nor one that is longer than proxies make it.
        """
        if not self._trusted:
            return self._remembered(peer, "")
        if len(forwarded_for) > _MAX_REMEMBERED_CHARACTERS:
            return self._hash(peer, forwarded_for)
        return self._remembered(peer, forwarded_for)

    def _hash(self, peer: str, forwarded_for: str) -> str:
        network = _network(peer, forwarded_for, self._trusted)
        if network is None:
            return ""
        return blake2b(
            network.network_address.packed, key=self._key, digest_size=NETWORK_BYTES
        ).hexdigest()
