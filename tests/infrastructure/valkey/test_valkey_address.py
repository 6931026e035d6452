"""What VOTING_VALKEY_URL may name."""

from __future__ import annotations

import pytest

from voting_service.valkey_address import ValkeyAddress


@pytest.mark.parametrize(
    ("value", "urls", "service"),
    [
        ("redis://:pw@one:7000/1", ["redis://:pw@one:7000/1"], None),
        ("rediss://u:p@one", ["rediss://u:p@one:6379"], None),
        ("redis://:p,w@one", ["redis://:p,w@one:6379"], None),
        ("redis://:pw@one:1,two:2", ["redis://:pw@one:1", "redis://:pw@two:2"], None),
        ("redis://:pw@one:1,redis://:pw@two", ["redis://:pw@one:1", "redis://:pw@two:6379"], None),
        ("redis://[::1]:1,two", ["redis://[::1]:1", "redis://two:6379"], None),
        ("unix:///run/v.sock", ["unix:///run/v.sock"], None),
        (
            "rediss+sentinel://:pw@one,two:2/votes/1?sentinel_password=x&ssl_ca_certs=ca",
            [
                "rediss://:pw@one:26379/1?ssl_ca_certs=ca",
                "rediss://:pw@two:2/1?ssl_ca_certs=ca",
            ],
            "votes",
        ),
    ],
)
def test_nodes_get_urls(value: str, urls: list[str], service: str | None) -> None:
    address = ValkeyAddress.parse(value)
    assert list(address.urls) == urls
    assert address.service == service
    for secret in ("pw", "p,w", "x&", "u:p"):
        assert secret not in address.without_secrets


def test_sentinels_have_a_login_of_their_own() -> None:
    address = ValkeyAddress.parse("redis+sentinel://a:b@one/votes?sentinel_username=c")
    assert address.sentinel_options == {"username": "c"}
    assert address.without_secrets == "one:26379/votes"


@pytest.mark.parametrize(
    "value", ["http://one", "redis://", "redis://one,", "redis+sentinel://one", "redis://one:x"]
)
def test_what_names_no_server_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"scheme|host|service|[Pp]ort"):
        ValkeyAddress.parse(value)
