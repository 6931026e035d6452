"""What may be registered for a platform: public keys, browser origins, an entrance, a JWKS address.

The faults have no field; callers add it.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc.jwk import ECKey, OKPKey

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.http_clients.urls import ascii_host, https_or_loopback

_SLUG = re.compile(r"[a-z0-9-]{2,40}")
MAX_ENTRANCE = 300
_DEFAULT_PORTS = {"https": 443, "http": 80}


def platform_slug(value: str) -> str:
    """Return the slug. Raises InvalidInput with what is wrong with it."""
    if not _SLUG.fullmatch(value):
        raise InvalidInput(Fault("", "contests.platform_registration.slug_format"))
    return value


def public_jwk(pem: bytes) -> dict[str, str]:
    """The JWK of an Ed25519 or P-256 public key in PEM; `kid` is its RFC 7638 thumbprint.

    Raises InvalidInput with what to do; above all when it is a private key.
    """
    if b"PRIVATE KEY" in pem:
        raise InvalidInput(Fault("", "contests.platform_registration.private_key"))
    if b"BEGIN CERTIFICATE" in pem:
        raise InvalidInput(Fault("", "contests.platform_registration.certificate"))
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(Fault("", "contests.platform_registration.no_public_key")) from error
    jwk: OKPKey | ECKey
    match key:
        case Ed25519PublicKey():
            jwk = OKPKey.import_key(pem)
        case EllipticCurvePublicKey(curve=SECP256R1()):
            jwk = ECKey.import_key(pem)
        case _:
            raise InvalidInput(Fault("", "contests.platform_registration.other_key_kind"))
    members = {name: str(value) for name, value in jwk.as_dict(private=False).items()}
    return members | {"kid": jwk.thumbprint()}


def readable_name(value: str) -> str:
    """Return the name that voters see. Raises InvalidInput."""
    name = value.strip()
    if not name or len(name) > 120 or not name.isprintable():
        raise InvalidInput(Fault("", "contests.platform_registration.name_length"))
    return name


def entrance_address(value: str) -> str:
    """Return the link that opens the vote inside an app. Raises InvalidInput unless it is https, or
    http on the loopback, and short enough for a QR code that telephones read from a screen."""
    https_or_loopback(value)
    if len(value) > MAX_ENTRANCE:
        raise InvalidInput(
            Fault("", "contests.platform_registration.entrance_too_long", most=MAX_ENTRANCE)
        )
    return value


def web_origin(value: str) -> str:
    """The origin as browsers send it: lower case, no default port.

    Raises InvalidInput unless it is `https://host[:port]`, or http on the loopback.
    """
    parts = https_or_loopback(value)
    if parts.path not in {"", "/"} or parts.query or parts.fragment or value.endswith(("?", "#")):
        raise InvalidInput(Fault("", "contests.platform_registration.origin_with_path"))
    port = parts.port
    explicit = f":{port}" if port is not None and port != _DEFAULT_PORTS[parts.scheme] else ""
    return f"{parts.scheme}://{ascii_host(parts)}{explicit}"


def profile_address(value: str) -> str:
    """The address itself, in which `{number}` may stand for a candidate's number.

    Raises InvalidInput unless it is https, or http on the loopback.
    """
    plain = value.replace("{number}", "1")
    if "{" in plain or "}" in plain:
        raise InvalidInput(Fault("", "contests.platform_registration.other_braces"))
    if "{number}" in (urlsplit(value).netloc if value.isascii() else ""):
        raise InvalidInput(Fault("", "contests.platform_registration.number_in_host"))
    if https_or_loopback(plain).fragment:
        raise InvalidInput(Fault("", "infrastructure.http_clients.url_with_fragment"))
    return value
