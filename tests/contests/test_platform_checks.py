"""Keys, origins and addresses that may be registered for a platform."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.jwk import ECKey, OKPKey

from tests.fakes.signers import private_pem
from voting_service.contests.platform_registration import public_jwk, web_origin
from voting_service.errors import InvalidInput
from voting_service.infrastructure.http_clients.urls import check_https_address

SPKI = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
ED25519 = ed25519.Ed25519PrivateKey.generate()
P256 = ec.generate_private_key(ec.SECP256R1())


def test_kid_is_the_thumbprint_of_rfc_8037() -> None:
    """Appendix A.2 and A.3 give a public key and its RFC 7638 thumbprint."""
    jwk: dict[str, str | list[str]] = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }
    pem = OKPKey.import_key(jwk).as_pem(private=False)
    expected = {**jwk, "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}
    assert expected.items() <= public_jwk(pem).items()


@pytest.mark.parametrize("key", [ED25519, P256])
def test_the_jwk_is_the_key_and_nothing_private(
    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey,
) -> None:
    pem = key.public_key().public_bytes(*SPKI)
    jwk = public_jwk(pem)
    assert "d" not in jwk
    again: OKPKey | ECKey = (
        OKPKey.import_key(dict(jwk)) if key is ED25519 else ECKey.import_key(dict(jwk))
    )
    assert again.as_pem(private=False) == pem


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        (private_pem(ED25519), "private key"),
        (private_pem(P256), "private key"),
        (P256.public_key().public_bytes(*SPKI) + private_pem(P256), "private key"),
        (b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "certificate"),
        (b"", "no public key"),
        (sha256(b"x").digest(), "no public key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key"),
        (
            ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(*SPKI),
            "Ed25519 and P-256",
        ),
        (rsa.generate_private_key(65537, 2048).public_key().public_bytes(*SPKI), "Ed25519 and"),
    ],
)
def test_keys_refused(pem: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        public_jwk(pem)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://vote.example", "https://vote.example"),
        ("HTTPS://Vote.Example/", "https://vote.example"),
        ("https://vote.example:443", "https://vote.example"),
        ("https://vote.example:8443", "https://vote.example:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_origins_as_browsers_send_them(given: str, origin: str) -> None:
    assert web_origin(given) == origin


@pytest.mark.parametrize(
    "given",
    [
        "",
        "*",
        "null",
        "vote.example",
        "//vote.example",
        "http://vote.example",
        "http://localhost.example",
        "http://128.0.0.1",
        "ftp://vote.example",
        "https://",
        "https://*.example",
        "https://user@vote.example",
        "https://vote.example/path",
        "https://vote.example?",
        "https://vote.example?a=b",
        "https://vote.example#",
        "https://vote.example:0x50",
        "https://vote.example:99999",
        "https://投票.example",
        "https://vote.example\n",
        "https://vote .example",
        "https://[::1",
        "https://vote.example\\@evil.example",
    ],
)
def test_origins_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match=r"must|is not a web address"):
        web_origin(given)


def test_jwks_addresses() -> None:
    assert check_https_address("https://a.example/keys?x=1") == "https://a.example/keys?x=1"
    assert check_https_address("http://127.0.0.1:1/keys") == "http://127.0.0.1:1/keys"
    for wrong in ("http://a.example/keys", "https://a.example/keys#x", "file:///etc/passwd"):
        with pytest.raises(InvalidInput, match="must"):
            check_https_address(wrong)
