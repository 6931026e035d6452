"""Who sends a vote, from an address and headers: what is hashed, kept, and never remembered."""

from __future__ import annotations

from datetime import UTC, date, datetime
from ipaddress import ip_network
from typing import Any

import pytest
from structlog.testing import capture_logs

from voting_service.antifraud.screening.client_signals import NOWHERE, Sender
from voting_service.antifraud.screening.decision import Signal
from voting_service.infrastructure.clock import FIRST_DAY
from voting_service.settings import Settings
from voting_service.sites.public.request_signals import RequestSignals, SenderReader
from voting_service.voting.voters.session_token import (
    SESSION_SECONDS,
    Session,
    account_day,
)

NOW = datetime(2022, 7, 18, 12, tzinfo=UTC)
TODAY = (NOW.date() - FIRST_DAY).days
BROWSER = b"Mozilla/5.0 (Linux; Android 12) MicroMessenger/8.0"
CLOUD_ADDRESS = "52.95.110.1"
"""Of a range that Amazon announces."""


def reader(settings: Settings, key: bytes = b"k" * 32, **changes: Any) -> SenderReader:
    changes = {"exempt_networks": (), **changes}
    return SenderReader(key, settings.model_copy(update=changes))


def session(*, seconds_ago: int = 600, created: date | None = None) -> Session:
    issued = int(NOW.timestamp()) - seconds_ago
    return Session(1, 1, issued, SESSION_SECONDS, account_day(created), b"v" * 16)


def sent(
    senders: SenderReader, peer: str, agent: bytes = BROWSER, forwarded_for: str = ""
) -> Sender:
    signals = RequestSignals(peer, forwarded_for, agent, b"zh-CN", b"")
    return senders.read_sender(signals, session(), NOW.timestamp())


@pytest.mark.parametrize(
    ("firsts", "other", "same"),
    [
        ("198.51.100.1", "198.51.100.254", True),
        ("198.51.100.1", "198.51.101.1", False),
        ("198.51.100.1", "::ffff:198.51.100.77", True),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("198.51.100.1", "198.51.100.77:49152", True),
        ("2001:db8::1", "[2001:db8::2]:443", True),
        ("2001:db8::1", "[2001:db8::3]", True),
        ("198.51.100.1", "2001:db8::1", False),
    ],
)
def test_a_network_is_a_24_or_a_64(settings: Settings, firsts: str, other: str, same: bool) -> None:
    senders = reader(settings)
    first, second = sent(senders, firsts).origin, sent(senders, other).origin
    assert (first.network == second.network) is same
    assert first.address != second.address
    assert len(first.network) == len(first.address) == 16


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ("2001:db8:1:1::2", {64, 56, 48}),
        ("2001:db8:1:ff::1", {56, 48}),
        ("2001:db8:1:100::1", {48}),
        ("2001:db8:2:1::1", set()),
        ("198.51.100.1", set()),
    ],
)
def test_limits_hold_for_the_56_and_the_48_too(
    settings: Settings, other: str, shared: set[int]
) -> None:
    """And each is a network of its own, also where their first addresses are the same."""
    senders = reader(settings)
    first, second = (
        sent(senders, address).origin.limited_networks for address in ("2001:db8:1:1::1", other)
    )
    assert len(set(first)) == 3
    assert len(set(sent(senders, "2001:db8::1").origin.limited_networks)) == 3
    assert {
        prefix
        for prefix, mine, theirs in zip((64, 56, 48), first, second, strict=False)
        if mine == theirs
    } == shared
    assert len(sent(senders, "198.51.100.1").origin.limited_networks) == 1


def test_hashes_depend_on_the_key_and_show_nothing(settings: Settings) -> None:
    first, other = (sent(reader(settings, key * 32), "198.51.100.1").hashes for key in (b"a", b"b"))
    assert len(first) == len(other) == 48
    pairs = [(first[at : at + 16], other[at : at + 16]) for at in (0, 16, 32)]
    assert all(mine != theirs for mine, theirs in pairs)
    assert len({part for pair in pairs for part in pair}) == 6


def test_what_is_no_address_is_nowhere_and_never_suspicious(settings: Settings) -> None:
    senders = reader(settings, trusted_proxies=(ip_network("10.0.0.0/8"),))
    for peer in ("", "/run/voting.sock"):
        assert sent(senders, peer, b"curl/8", "198.51.100.1").origin == NOWHERE
    assert sent(senders, "", b"curl/8").active_signals(TODAY) == 0


def test_devices_differ_by_the_headers_that_a_browser_always_sends(settings: Settings) -> None:
    senders = reader(settings)

    def fingerprint(agent: bytes, languages: bytes, hints: bytes) -> str:
        signals = RequestSignals("198.51.100.1", "", agent, languages, hints)
        return senders.read_sender(signals, session(), NOW.timestamp()).device.fingerprint

    headers = [(BROWSER, b"zh", b""), (BROWSER, b"en", b""), (BROWSER, b"z", b"h"), (b"", b"", b"")]
    assert len({fingerprint(*header) for header in headers}) == len(headers)
    assert fingerprint(*headers[0]) == fingerprint(*headers[0])


@pytest.mark.parametrize(
    ("peer", "agent", "who", "active_signals"),
    [
        ("198.51.100.1", BROWSER, session(), 0),
        (CLOUD_ADDRESS, BROWSER, session(), Signal.CLOUD_NETWORK),
        ("198.51.100.1", b"curl/8.5", session(), Signal.AUTOMATED_AGENT),
        ("198.51.100.1", BROWSER, session(seconds_ago=1), Signal.HURRIED),
        ("198.51.100.1", BROWSER, session(created=NOW.date()), Signal.YOUNG_ACCOUNT),
        ("198.51.100.1", BROWSER, session(created=date(2022, 7, 10)), 0),
        ("198.51.100.1", BROWSER, session(created=date(1999, 1, 1)), 0),
    ],
)
def test_signals_that_need_no_counting(
    settings: Settings, peer: str, agent: bytes, who: Session, active_signals: int
) -> None:
    signals = RequestSignals(peer, "", agent, b"zh", b"")
    assert (
        reader(settings).read_sender(signals, who, NOW.timestamp()).active_signals(TODAY)
        == active_signals
    )
    exempt = reader(settings, exempt_networks=(ip_network(f"{peer}/32"),))
    assert exempt.read_sender(signals, who, NOW.timestamp()).active_signals(TODAY) == 0


def test_what_clients_make_up_fills_no_memory(settings: Settings) -> None:
    nobody = reader(settings)
    proxied = reader(settings, trusted_proxies=(ip_network("10.0.0.0/8"),))
    for number in range(100):
        sent(nobody, "203.0.113.7", b"x" * 500 + bytes([number]), f"198.51.100.{number}")
        sent(proxied, "10.0.0.1", BROWSER, "1.1.1.1," * 100 + f"198.51.100.{number}")
    assert nobody._clients.origin.cache_info().currsize == 1
    assert nobody._clients.device.cache_info().currsize == 0
    assert proxied._cached_origin.cache_info().currsize == 0


@pytest.mark.parametrize("trusted", [(), (ip_network("192.0.2.0/24"),)])
def test_an_unnamed_proxy_on_this_machine_is_shown_once(
    settings: Settings, trusted: tuple[Any, ...]
) -> None:
    senders = reader(
        settings, trusted_proxies=trusted, exempt_networks=(ip_network("127.0.0.0/8"),)
    )
    with capture_logs() as log_lines:
        for address in ("198.51.100.1", "198.51.100.2"):
            assert sent(senders, "127.0.0.1", forwarded_for=address).origin.exempt
            sent(senders, "198.51.100.9", forwarded_for=address)
    assert [line["event"] for line in log_lines] == ["votes_from_unnamed_proxy"]
    assert "198.51" not in str(log_lines)


def test_an_unnamed_proxy_on_the_own_network_is_named_and_nothing_else_is(
    settings: Settings,
) -> None:
    """Behind it everybody is one network, as in a container's network without the setting."""
    unnamed = reader(settings)
    named = reader(settings, trusted_proxies=(ip_network("172.16.0.0/12"), ip_network("::1/128")))
    with capture_logs() as log_lines:
        for address in ("198.51.100.1", "198.51.100.2"):
            sent(unnamed, "203.0.113.7", forwarded_for=address)  # a voter's own invention
            sent(unnamed, "172.18.0.1")
            sent(named, "172.18.0.1", forwarded_for=address)
            sent(named, "172.18.0.1", forwarded_for="172.18.0.1")  # a client beside the proxy
            sent(named, "::1", forwarded_for="127.0.0.1")
    assert log_lines == []
    with capture_logs() as log_lines:
        for address in ("198.51.100.1", "198.51.100.2"):
            sent(unnamed, "172.18.0.1", forwarded_for=address)
    assert [(line["event"], line["effect"]) for line in log_lines] == [
        ("votes_from_unnamed_proxy", "its voters are one network")
    ]
