"""The network address of a client: X-Forwarded-For is trusted only from known proxies."""

from __future__ import annotations

from voting_service.infrastructure.ip_addresses import (
    Network,
    is_within,
    parse_address,
    to_network,
)

Networks = tuple[Network, ...]


def _is_trusted(address: str, trusted: Networks) -> bool:
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
    while hops and _is_trusted(address, trusted):
        candidate = hops.pop()
        try:
            parse_address(candidate)
        except ValueError:
            break
        address = candidate
    return address


def client_network(peer: str, forwarded_for: str, trusted: Networks) -> str:
    """Return the client's network as text, `192.0.2.0/24`; "" without an address. For staff only:
    of voters only a keyed hash of the network is stored."""
    try:
        return str(to_network(parse_address(client_address(peer, forwarded_for, trusted))))
    except ValueError:
        return ""
