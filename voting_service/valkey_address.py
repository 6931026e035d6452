"""VOTING_VALKEY_URL: one server, several nodes of a cluster, or Sentinels that know the server.

    redis://USER:PASSWORD@HOST:6379/0              one server, or a node of a cluster
    redis://USER:PASSWORD@ONE:6379,TWO:6379        nodes of a cluster, which know the others
    redis+sentinel://USER:PASSWORD@ONE:26379,TWO:26379/SERVICE/0?sentinel_password=…
    unix:///run/valkey.sock

`rediss` instead of `redis` is TLS. User and password are the server's; the Sentinels' own are
`sentinel_username` and `sentinel_password`. Other options are the client's (`ssl_ca_certs`).
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

SENTINEL_PORT, SERVER_PORT = 26_379, 6_379
_SCHEME = re.compile(r"(?P<tls>rediss?)(?P<sentinel>\+sentinel)?://|unix://")
_FURTHER_URL = re.compile(r",rediss?(\+sentinel)?://([^@,/]*@)?")
_SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")


class ValkeyAddress(NamedTuple):
    """Where Valkey is: `urls` of the nodes. `service` is the name of
    the server among Sentinels; then their URLs have the server's password and database."""

    urls: tuple[str, ...]
    nodes: tuple[tuple[str, int], ...]
    service: str | None
    sentinel_options: dict[str, str]

    @classmethod
    def parse(cls, value: str) -> ValkeyAddress:
        """Parse the setting. Raises ValueError."""
        kind = _SCHEME.match(value)
        if kind is None:
            raise ValueError("scheme")
        if kind["tls"] is None:
            return cls((value,), (), None, {})
        parts = urlsplit(_FURTHER_URL.sub(",", value))
        credentials, at, hosts = parts.netloc.rpartition("@")
        port = SENTINEL_PORT if kind["sentinel"] else SERVER_PORT
        nodes = tuple(_node(host, port) for host in hosts.split(","))
        path, service, options = parts.path, None, dict(parse_qsl(parts.query))
        if kind["sentinel"]:
            service, _, database = path.strip("/").partition("/")
            path = f"/{database}"
            if not service:
                raise ValueError("service")
        own = {name: options.pop(name) for name in _SENTINEL_OPTIONS if name in options}
        query = f"?{urlencode(options)}" if options else ""
        urls = tuple(f"{kind['tls']}://{credentials}{at}{_text(n)}{path}{query}" for n in nodes)
        return cls(urls, nodes, service, {name[9:]: text for name, text in own.items()})

    @property
    def is_tls(self) -> bool:
        """Whether the connections are encrypted."""
        return self.urls[0].startswith("rediss")

    @property
    def without_secrets(self) -> str:
        """Hosts, ports and service."""
        if not self.nodes:
            return urlsplit(self.urls[0]).path
        hosts = ",".join(map(_text, self.nodes))
        return f"{hosts}/{self.service}" if self.service else hosts


def _text(node: tuple[str, int]) -> str:
    host, port = node
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _node(text: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("host")
    return parts.hostname, parts.port or default_port
