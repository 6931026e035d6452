"""The network address of a client: X-Forwarded-For is trusted only from known proxies."""

from __future__ import annotations

from voting_service.infrastructure.ip_addresses import (
    Network,
    is_within,
    parse_address,
    to_networks,
)

Networks = tuple[Network, ...]


def is_trusted(address: str, trusted: Networks) -> bool:
    """Return whether an address is that of a trusted proxy."""
    try:
        return is_within(parse_address(address), trusted)
    except ValueError:
        return False


def client_address(peer: str, forwarded_for: str, trusted: Networks) -> str:
    """Return the nearest address that is not a trusted proxy's, read from the right.

    A proxy appends to the header, so what a client wrote itself stands further left and is not
    reached. An invalid address ends the search.
    """
    address = peer
    hops = [hop.strip() for hop in forwarded_for.split(",")] if forwarded_for else []
    while hops and is_trusted(address, trusted):
        candidate = hops.pop()
        try:
            parse_address(candidate)
        except ValueError:
            break
        address = candidate
    return address


def client_networks(peer: str, forwarded_for: str, trusted: Networks) -> tuple[str, ...]:
    """Return the client's networks as text, the smallest first: `192.0.2.0/24`, or a /64, /56 and
    /48; none without an address. For staff only: of voters only keyed hashes are kept."""
    try:
        address = parse_address(client_address(peer, forwarded_for, trusted))
    except ValueError:
        return ()
    return tuple(map(str, to_networks(address)))
