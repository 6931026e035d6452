"""The client address of a request, although clients can send any X-Forwarded-For."""

from __future__ import annotations

import time
from ipaddress import ip_network

import pytest

from tests.sites.public.api.running_service import (
    MovedClock,
    Service,
    running_service,
)
from voting_service.settings import Settings
from voting_service.sites.shared.client_address import Networks, client_address

NOBODY: Networks = ()
PROXIES: Networks = tuple(ip_network(n) for n in ("10.0.0.0/8", "127.0.0.1/32", "fd00::/8"))

# peer, X-Forwarded-For, trusted proxies, whose request it is
CASES = {
    "no header": ("203.0.113.7", "", PROXIES, "203.0.113.7"),
    "nobody is trusted": ("203.0.113.7", "198.51.100.1", NOBODY, "203.0.113.7"),
    "own machine is not trusted unasked": ("127.0.0.1", "198.51.100.1", NOBODY, "127.0.0.1"),
    "stranger": ("203.0.113.7", "198.51.100.1", PROXIES, "203.0.113.7"),
    "stranger claims to be a proxy": ("203.0.113.7", "10.0.0.1", PROXIES, "203.0.113.7"),
    "proxy": ("10.0.0.1", "198.51.100.1", PROXIES, "198.51.100.1"),
    "proxy without a header": ("10.0.0.1", "", PROXIES, "10.0.0.1"),
    "two proxies": ("10.0.0.1", "198.51.100.1, 10.0.0.2", PROXIES, "198.51.100.1"),
    "spoofed in front": ("10.0.0.1", "1.1.1.1, 198.51.100.1", PROXIES, "198.51.100.1"),
    "spoofed twice": ("10.0.0.1", "1.1.1.1,2.2.2.2, 198.51.100.1", PROXIES, "198.51.100.1"),
    "spoofed proxy in front": ("10.0.0.1", "10.9.9.9, 198.51.100.1", PROXIES, "198.51.100.1"),
    "spoofed behind a stranger": (
        "10.0.0.1",
        "1.1.1.1, 203.0.113.5, 10.0.0.2",
        PROXIES,
        "203.0.113.5",
    ),
    "only proxies": ("10.0.0.1", "10.0.0.3, 10.0.0.2", PROXIES, "10.0.0.3"),
    "garbage": ("10.0.0.1", "unknown", PROXIES, "10.0.0.1"),
    "garbage behind": ("10.0.0.1", "198.51.100.1, unknown", PROXIES, "10.0.0.1"),
    "garbage in front": ("10.0.0.1", "evil, 198.51.100.1", PROXIES, "198.51.100.1"),
    "hidden": ("10.0.0.1", "_hidden", PROXIES, "10.0.0.1"),
    "empty parts": ("10.0.0.1", ", ,", PROXIES, "10.0.0.1"),
    "comma behind": ("10.0.0.1", "198.51.100.1,", PROXIES, "10.0.0.1"),
    "with a port": ("10.0.0.1", "198.51.100.1:4711", PROXIES, "198.51.100.1:4711"),
    "a name": ("10.0.0.1", "localhost", PROXIES, "10.0.0.1"),
    "a network": ("10.0.0.1", "198.51.100.0/24", PROXIES, "10.0.0.1"),
    "a number": ("10.0.0.1", "3325256705", PROXIES, "10.0.0.1"),
    "leading zeros": ("10.0.0.1", "198.051.100.001", PROXIES, "10.0.0.1"),
    "full-width digits": ("10.0.0.1", "１９８.51.100.1", PROXIES, "10.0.0.1"),
    "script": ("10.0.0.1", "<script>", PROXIES, "10.0.0.1"),
    "NUL": ("10.0.0.1", "198.51.100.1\0", PROXIES, "10.0.0.1"),
    "IPv6 client": ("10.0.0.1", "2001:db8::7", PROXIES, "2001:db8::7"),
    "IPv6 proxy": ("fd00::1", "2001:db8::7", PROXIES, "2001:db8::7"),
    "IPv6 in brackets": ("10.0.0.1", "[2001:db8::7]", PROXIES, "[2001:db8::7]"),
    "IPv6 with a zone": ("10.0.0.1", "fe80::1%eth0", PROXIES, "fe80::1%eth0"),
    "proxy seen on a socket for both kinds": (
        "::ffff:10.0.0.1",
        "198.51.100.1",
        PROXIES,
        "198.51.100.1",
    ),
    "mapped proxy in the header": (
        "10.0.0.1",
        "198.51.100.1, ::ffff:10.0.0.2",
        PROXIES,
        "198.51.100.1",
    ),
    "a mapped stranger is no proxy": (
        "::ffff:203.0.113.7",
        "198.51.100.1",
        PROXIES,
        "::ffff:203.0.113.7",
    ),
    "a Unix socket": ("", "198.51.100.1", PROXIES, ""),
}


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "trusted", "whose"), CASES.values(), ids=CASES.keys()
)
def test_the_nearest_address_that_is_no_proxys(
    peer: str, forwarded_for: str, trusted: Networks, whose: str
) -> None:
    assert client_address(peer, forwarded_for, trusted) == whose


def test_a_header_of_thousands_of_hops_costs_little() -> None:
    started = time.process_time()
    hops = "10.0.0.1," * 4_000 + "198.51.100.1"
    assert client_address("10.0.0.1", hops, PROXIES) == "198.51.100.1"
    assert time.process_time() - started < 0.5


FORWARDING = [
    "X-Forwarded-For",
    "Forwarded",
    "X-Real-IP",
    "X-Client-IP",
    "CF-Connecting-IP",
    "True-Client-IP",
    "X-Cluster-Client-IP",
    "Via",
]


async def network_of_a_vote(service: Service, headers: dict[str, str]) -> bytes:
    """What was stored of where a vote came from."""
    answer = await service.cast(await service.open_session(), [1], headers)
    assert answer.status_code == 201
    ballot = bytes.fromhex(answer.json()["receipt"]["ballot"])
    network: bytes = await service.database.fetchval(
        "select network from ballots where ballot_id = $1", ballot
    )
    return network


async def test_forwarding_headers_of_strangers_change_nothing(service: Service) -> None:
    plain = await network_of_a_vote(service, {})
    for name in FORWARDING:
        value = "for=198.51.100.1" if name == "Forwarded" else "198.51.100.1"
        assert await network_of_a_vote(service, {name: value}) == plain, name


async def test_of_a_trusted_proxy_only_its_own_header_is_believed(
    settings: Settings, clock: MovedClock
) -> None:
    behind = settings.model_copy(update={"trusted_proxies": (ip_network("127.0.0.0/8"),)})
    async with running_service(behind, clock=clock) as service:
        plain = await network_of_a_vote(service, {})
        reader = await network_of_a_vote(service, {"X-Forwarded-For": "198.51.100.1"})
        spoofing = await network_of_a_vote(service, {"X-Forwarded-For": "1.1.1.1, 198.51.100.9"})
        assert reader != plain
        assert spoofing == reader
        for name in FORWARDING[1:]:
            assert await network_of_a_vote(service, {name: "198.51.100.1"}) == plain, name
        garbage = {"X-Forwarded-For": "x" * 10_000}
        assert await network_of_a_vote(service, garbage) == plain
