"""Networks of an address, in both forms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voting_service.infrastructure.ip_addresses import Address, packed_networks, to_networks


@given(st.ip_addresses())
def test_packed_networks_are_the_networks(address: Address) -> None:
    networks = [(n.prefixlen, n.network_address.packed) for n in to_networks(address)]
    assert packed_networks(address) == networks
