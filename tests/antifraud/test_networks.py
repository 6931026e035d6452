"""Hosting companies' networks: how the table is made, and what it states."""

from __future__ import annotations

from array import array
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from browser.cloud_networks import is_hosting_company, merged
from voting_service.antifraud.screening import hosting_networks
from voting_service.antifraud.screening.hosting_networks import CloudNetworks, cloud_networks

RANGES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 8)).map(lambda pair: (pair[0], sum(pair)))
)


@given(RANGES)
def test_the_table_holds_exactly_what_the_ranges_hold(ranges: list[tuple[int, int]]) -> None:
    joined = merged(ranges)
    assert all(first[1] + 1 < other[0] for first, other in pairwise(joined))
    table = CloudNetworks(
        (array("Q", [s for s, _ in joined]), array("Q", [e for _, e in joined])),
        (array("Q"), array("Q")),
    )
    for number in range(70):
        inside = any(start <= number <= end for start, end in ranges)
        assert table.contains(ip_address(number)) is inside


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("52.95.110.1", True),  # Amazon
        ("47.96.0.1", True),  # Alibaba, Hangzhou
        ("2600:1f00::1", True),  # Amazon
        ("61.128.128.1", False),  # China Telecom, Chongqing
        ("221.7.1.1", False),  # China Unicom, Chongqing
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("127.0.0.1", False),
    ],
)
def test_the_package_s_table_knows_companies_from_carriers(address: str, inside: bool) -> None:
    assert cloud_networks().contains(ip_address(address)) is inside
    assert len(cloud_networks()) > 5_000


@pytest.mark.parametrize(
    ("name", "hosting"),
    [
        ("Amazon.com, Inc.", True),
        ("Google LLC", True),
        ("Google Fiber Inc.", False),
        ("Shenzhen Tencent Computer Systems Company Limited", True),
        ("Example Hosting Ltd", True),
        ("COLOMBIA TELECOMUNICACIONES S.A. ESP", False),
        ("University of Colorado", False),
        ("China Mobile Communications Group Co., Ltd.", False),
        ("IBM Deutschland GmbH", False),
    ],
)
def test_companies_are_recognised_by_their_names(name: str, hosting: bool) -> None:
    assert is_hosting_company(name) is hosting


def test_the_table_is_small() -> None:
    file = Path(hosting_networks.__file__).parent / "data" / hosting_networks.FILE
    assert file.stat().st_size < 300_000
