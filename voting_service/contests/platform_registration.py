"""What may be registered for a platform: public keys, browser origins, a JWKS address."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc.jwk import ECKey, OKPKey

from voting_service.infrastructure.http_clients.urls import host_of, https_or_loopback

_SLUG = re.compile(r"[a-z0-9-]{2,40}")
_DEFAULT_PORTS = {"https": 443, "http": 80}


def platform_slug(value: str) -> str:
    """The slug itself. Raises ValueError with what is wrong with it."""
    if not _SLUG.fullmatch(value):
        raise ValueError("must be 2 to 40 of a-z, 0-9 and -")
    return value


def public_jwk(pem: bytes) -> dict[str, str]:
    """The JWK of an Ed25519 or P-256 public key in PEM; `kid` is its RFC 7638 thumbprint.

    Raises ValueError with what to do; above all when it is a private key.
    """
    if b"PRIVATE KEY" in pem:
        raise ValueError(
            "holds a private key, which must never leave the platform; ask for the public one "
            "(openssl pkey -in FILE -pubout)"
        )
    if b"BEGIN CERTIFICATE" in pem:
        raise ValueError("holds a certificate; extract its key (openssl x509 -noout -pubkey)")
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("holds no public key in PEM") from error
    if isinstance(key, Ed25519PublicKey):
        jwk: OKPKey | ECKey = OKPKey.import_key(pem)
    elif isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        jwk = ECKey.import_key(pem)
    else:
        raise ValueError("holds a key of another kind; Ed25519 and P-256 are taken")  # noqa: TRY004
    members = {name: str(value) for name, value in jwk.as_dict(private=False).items()}
    return members | {"kid": jwk.thumbprint()}


def web_origin(value: str) -> str:
    """The origin as browsers send it: lower case, no default port.

    Raises ValueError unless it is `https://host[:port]`, or http on the loopback.
    """
    parts = https_or_loopback(value)
    if parts.path not in {"", "/"} or parts.query or parts.fragment or value.endswith(("?", "#")):
        raise ValueError("must end after the host and port")
    port = parts.port
    explicit = f":{port}" if port is not None and port != _DEFAULT_PORTS[parts.scheme] else ""
    return f"{parts.scheme}://{host_of(parts)}{explicit}"


def profile_address(value: str) -> str:
    """The address itself, in which `{number}` may stand for a candidate's number.

    Raises ValueError unless it is https, or http on the loopback.
    """
    plain = value.replace("{number}", "1")
    if "{" in plain or "}" in plain:
        raise ValueError("may hold {number} and no other braces")
    if "{number}" in (urlsplit(value).netloc if value.isascii() else ""):
        raise ValueError("must not have {number} in the host")
    if https_or_loopback(plain).fragment:
        raise ValueError("must not contain a fragment")
    return value
