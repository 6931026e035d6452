"""Networks of an address, in both forms."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import example, given
from hypothesis import strategies as st

from voting_service.infrastructure.ip_addresses import (
    Address,
    packed_networks,
    parse_address,
    to_networks,
)


@given(st.ip_addresses())
def test_packed_networks_are_the_networks(address: Address) -> None:
    networks = [(n.prefixlen, n.network_address.packed) for n in to_networks(address)]
    assert packed_networks(address) == networks


@given(st.from_regex(r"\A[0-9x]{1,4}(\.[0-9]{1,4}){0,4}[ \0\n]?\Z"))
@example("192.0.2.1")
@example("192.0.2.01")
@example("0x7f.1")
@example("１.2.3.4")
@example("\ud800")
def test_what_looks_like_an_address_is_one_by_the_same_rule(text: str) -> None:
    try:
        expected = ip_address(text)
    except ValueError:
        expected = None
    try:
        parsed = parse_address(text)
    except ValueError:
        parsed = None
    assert parsed == expected
