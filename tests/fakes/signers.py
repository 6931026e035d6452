"""Signing keys of pretended platforms. They use `cryptography` only: a token that joserfc both
made and read would prove little."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def private_pem(key: PrivateKey | None = None) -> bytes:
    """Return a private key, unless given a new one of Ed25519, as an unencrypted PEM file."""
    key = key or ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def integer(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Signer(Protocol):
    alg: str

    def jwk(self, kid: str | None = None) -> dict[str, Any]: ...

    def sign(self, message: bytes) -> bytes: ...


def named(jwk: dict[str, Any], kid: str | None) -> dict[str, Any]:
    return jwk if kid is None else {**jwk, "kid": kid}


class Ed25519Signer:
    alg = "EdDSA"

    def __init__(self) -> None:
        self.key = ed25519.Ed25519PrivateKey.generate()

    def jwk(self, kid: str | None = None) -> dict[str, Any]:
        x = base64url(self.key.public_key().public_bytes_raw())
        return named({"kty": "OKP", "crv": "Ed25519", "x": x}, kid)

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message)


class Ed448Signer:
    alg = "EdDSA"

    def __init__(self) -> None:
        self.key = ed448.Ed448PrivateKey.generate()

    def jwk(self, kid: str | None = None) -> dict[str, Any]:
        x = base64url(self.key.public_key().public_bytes_raw())
        return named({"kty": "OKP", "crv": "Ed448", "x": x}, kid)

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message)


class P256Signer:
    alg = "ES256"

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    def jwk(self, kid: str | None = None) -> dict[str, Any]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        x, y = base64url(point[1:33]), base64url(point[33:])
        return named({"kty": "EC", "crv": "P-256", "x": x, "y": y}, kid)

    def sign(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class RsaSigner:
    alg = "RS256"

    def __init__(self, bits: int = 2048) -> None:
        self.key = rsa.generate_private_key(65537, bits)

    def jwk(self, kid: str | None = None) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        return named({"kty": "RSA", "n": integer(numbers.n), "e": integer(numbers.e)}, kid)

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message, padding.PKCS1v15(), SHA256())


class HmacSigner:
    alg = "HS256"

    def __init__(self, key: bytes) -> None:
        self.key = key

    def jwk(self, kid: str | None = None) -> dict[str, Any]:
        return named({"kty": "oct", "k": base64url(self.key)}, kid)

    def sign(self, message: bytes) -> bytes:
        return hmac.new(self.key, message, hashlib.sha256).digest()


def compact(
    signer: Signer, claims: Mapping[str, Any] | bytes, header: Mapping[str, Any] | bytes
) -> str:
    """A JWS in compact form, however odd its header and claims are."""
    parts = (
        part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)
    )
    message = ".".join(base64url(part) for part in parts)
    return f"{message}.{base64url(signer.sign(message.encode()))}"


class FakePlatform:
    """A media platform that signs its users in with a JWT."""

    def __init__(self, slug: str, signer: Signer | None = None, kid: str | None = None) -> None:
        self.slug = slug
        self.signer = signer or Ed25519Signer()
        self.kid = kid
        self._tokens = 0

    def claims(self, contest: str, subject: str, now_seconds: int) -> dict[str, Any]:
        self._tokens += 1
        return {
            "iss": self.slug,
            "aud": contest,
            "sub": subject,
            "iat": now_seconds,
            "exp": now_seconds + 120,
            "jti": f"{self.slug}-{id(self)}-{self._tokens}",
        }

    def header(self) -> dict[str, Any]:
        return named({"alg": self.signer.alg, "typ": "JWT"}, self.kid)

    def token(self, contest: str, subject: str, now_seconds: int, **more: Any) -> str:
        claims = {**self.claims(contest, subject, now_seconds), **more}
        return compact(self.signer, claims, self.header())
