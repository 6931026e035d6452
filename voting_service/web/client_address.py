"""Whose request this is on the network: X-Forwarded-For is believed from trusted proxies only."""

from __future__ import annotations

from voting_service.addresses import Network, is_within, network_of, parse_address

Networks = tuple[Network, ...]


def _is_trusted(address: str, trusted: Networks) -> bool:
    try:
        return is_within(parse_address(address), trusted)
    except ValueError:
        return False


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
            parse_address(candidate)
        except ValueError:
            break
        address = candidate
    return address


def client_network(peer: str, forwarded_for: str, trusted: Networks) -> str:
    """The client's network as text, `192.0.2.0/24`; "" without one. For staff only: of a voter
    nothing but the keyed hash is kept."""
    try:
        return str(network_of(parse_address(client_address(peer, forwarded_for, trusted))))
    except ValueError:
        return ""
