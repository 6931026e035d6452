"""IP addresses, and the network of a household or an exit: a /24 or a /64."""

from __future__ import annotations

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_V4_PREFIX, _V6_PREFIX = 24, 64
_WITH_PORT = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[0-9.]+))(?::[0-9]{1,5})?")


def parse_address(text: str) -> Address:
    """Return the address in a text, without a port. Raises ValueError.

    An IPv4-mapped address (::ffff:192.0.2.1) becomes an IPv4 address.
    """
    try:
        parsed = ip_address(text)
    except ValueError:
        with_port = _WITH_PORT.fullmatch(text)
        if with_port is None:
            raise
        parsed = ip_address(with_port["v6"] or with_port["v4"])
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def to_network(address: Address) -> Network:
    """Return the /24 or /64 network of an address."""
    prefix = _V4_PREFIX if address.version == 4 else _V6_PREFIX
    return ip_network((address, prefix), strict=False)


def is_within(address: Address, networks: tuple[Network, ...]) -> bool:
    """Return whether an address lies in one of the networks."""
    return any(address.version == network.version and address in network for network in networks)
