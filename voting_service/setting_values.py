"""The values of settings: keys, networks, and addresses of servers, sites and people."""

from __future__ import annotations

import re
from base64 import b64decode
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import BeforeValidator, SecretBytes, SecretStr
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from voting_service.valkey_address import ValkeyAddress

LOOPBACK = ("127.0.0.1", "::1", "localhost")
MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SSL_WORDS = {"true": "require", "on": "require", "false": "disable", "off": "disable"}
_BLANK = re.compile(r"\s")
_VERIFIER_KEY = re.compile(r"[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+")
_CONTACT = re.compile(r"(mailto:[^\s@]+@[^\s@]+|https://[^\s]+|tel:\+?[0-9-]+)")


def _decode_key(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        key = b64decode(value, validate=True)
    except ValueError as error:
        raise PydanticCustomError("not_base64", "not_base64") from error
    if len(key) != 32:
        raise PydanticCustomError("key_wrong_length", "key_wrong_length", {"length": len(key)})
    return key


def _key_list(value: object) -> object:
    if not isinstance(value, str):
        return value
    keys = [_decode_key(part.strip()) for part in value.split(",") if part.strip()]
    if len(set(keys)) < len(keys):
        raise PydanticCustomError("key_listed_twice", "key_listed_twice")
    return keys


class MasterKey(bytes):
    """A master key, which encrypts, with the older ones that still decrypt."""

    older: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, first: bytes, *older: bytes) -> MasterKey:
        """Return the key that encrypts, with the others."""
        key = cls(first)
        key.older = older
        return key


def _master_key(value: object) -> object:
    """Return the key of a list that encrypts, with the others."""
    keys = _key_list(value)
    if not isinstance(keys, list):
        return value
    if not keys:
        raise PydanticCustomError("missing", "missing")
    return MasterKey.of(*keys)


def _split_networks(value: object) -> object:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


class LogWitness(NamedTuple):
    """A witness of the public logs: its verifier key and its address."""

    key: str
    address: str


def _log_witnesses(value: object) -> object:
    if not isinstance(value, str):
        return value
    witnesses = []
    for part in filter(None, map(str.strip, value.split(","))):
        key, _, address = part.partition(" ")
        is_address = urlsplit(address.strip()).scheme in ("http", "https")
        if not is_address or not _VERIFIER_KEY.fullmatch(key):
            raise PydanticCustomError("not_a_witness", "not_a_witness")
        witnesses.append(LogWitness(key, address.strip()))
    return tuple(witnesses)


def _postgres_url(value: object) -> object:
    """Return a URL of Postgres, with `ssl` under its usual name `sslmode`."""
    if not isinstance(value, str):
        return value
    if not value.startswith(("postgresql://", "postgres://")):
        raise PydanticCustomError("not_postgres_url", "not_postgres_url")
    address, _, query = value.partition("?")
    names = {"ssl": "sslmode"}
    pairs = [(names.get(name, name), text) for name, text in parse_qsl(query)]
    options = [
        (name, _SSL_WORDS.get(text, text) if name == "sslmode" else text) for name, text in pairs
    ]
    if any(name == "sslmode" and text not in SSL_MODES for name, text in options):
        raise PydanticCustomError(
            "sslmode_unknown", "sslmode_unknown", {"modes": ", ".join(SSL_MODES)}
        )
    return f"{address}?{urlencode(options)}" if options else address


def _valkey_url(value: object) -> object:
    if isinstance(value, str):
        try:
            ValkeyAddress.parse(value)
        except ValueError as error:
            raise PydanticCustomError("not_valkey_url", "not_valkey_url") from error
    return value


def _site_address(value: object) -> object:
    """Return the address of a site, which is served at the root of its host."""
    if not isinstance(value, str):
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or _BLANK.search(value):
        raise PydanticCustomError("not_site_address", "not_site_address")
    if parts.path or parts.query or parts.fragment:
        raise PydanticCustomError(
            "address_with_path",
            "address_with_path",
            {"address": f"{parts.scheme}://{parts.netloc}"},
        )
    return value


def _security_contact(value: object) -> object:
    if isinstance(value, str) and not _CONTACT.fullmatch(value):
        raise PydanticCustomError("not_a_contact", "not_a_contact")
    return value


def _smtp_url(value: object) -> object:
    """Return a URL of a mail server. Without encryption it is on this machine."""
    if not isinstance(value, str):
        return value
    try:
        parts = urlsplit(value)
        is_wrong = parts.port == 0 or not parts.hostname or _BLANK.search(value) is not None
    except ValueError:
        raise PydanticCustomError("not_smtp_url", "not_smtp_url") from None
    if is_wrong or parts.scheme not in ("smtp", "smtps") or parts.path not in ("", "/"):
        raise PydanticCustomError("not_smtp_url", "not_smtp_url")
    if parts.query not in ("", "starttls=no") or parts.fragment:
        raise PydanticCustomError("not_smtp_url", "not_smtp_url")
    if parts.query and parts.hostname not in LOOPBACK:
        raise PydanticCustomError("smtp_not_encrypted", "smtp_not_encrypted")
    return value


def _webhook(value: object) -> object:
    """Return the address of a webhook: over https, or on this machine."""
    if not isinstance(value, str):
        return value
    parts = urlsplit(value)
    is_near = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not ((parts.scheme == "https" and parts.hostname) or is_near) or _BLANK.search(value):
        raise PydanticCustomError("not_webhook", "not_webhook")
    return value


def _mail_address(value: object) -> object:
    if isinstance(value, str) and not MAIL_ADDRESS.fullmatch(value):
        raise PydanticCustomError("not_mail_address", "not_mail_address")
    return value


Key = Annotated[SecretBytes, BeforeValidator(_decode_key)]
MasterKeys = Annotated[SecretBytes, BeforeValidator(_master_key)]
Keys = Annotated[tuple[SecretBytes, ...], NoDecode, BeforeValidator(_key_list)]
Networks = Annotated[
    tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_split_networks)
]
LogWitnesses = Annotated[tuple[LogWitness, ...], NoDecode, BeforeValidator(_log_witnesses)]
PostgresUrl = Annotated[str, BeforeValidator(_postgres_url)]
ValkeyUrl = Annotated[str, BeforeValidator(_valkey_url)]
SiteAddress = Annotated[str, BeforeValidator(_site_address)]
SecurityContact = Annotated[str, BeforeValidator(_security_contact)]
SmtpUrl = Annotated[SecretStr, BeforeValidator(_smtp_url)]
Webhook = Annotated[SecretStr, BeforeValidator(_webhook)]
MailAddress = Annotated[str, BeforeValidator(_mail_address)]
