"""Read JSON Web Tokens from outside strictly (RFC 7515, 7519, 8725).

The key and the algorithm come from the registered settings, never from the token. joserfc checks
the signature; this module checks the form more strictly than joserfc does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from voting_service.errors import (
    InvalidInput,
    MalformedInput,
    TokenRefused,
    Unavailable,
)
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.http_clients.verification_keys import KeySource, VerificationKey
from voting_service.infrastructure.json_shapes import describe_value, plain_word
from voting_service.infrastructure.strict_json import (
    decode_json,
    printable,
    refuse_repeated_keys,
)

CLOCK_SKEW_SECONDS = 30
"""How far the clock of the token's issuer may be off."""

_NOT_ALLOWED = ("crit", "b64", "jwk", "jku", "x5u", "x5c")
"""Header members for extensions that this service does not support, and for keys in the token."""

_SIGNATURE_BYTES = {"EdDSA": 64, "ES256": 64}

T = TypeVar("T")


class _Registry(jws.JWSRegistry):
    """joserfc's algorithms by name, without its warning that EdDSA was renamed (RFC 9864).

    The caller has already checked which algorithm the issuer may use.
    """

    max_header_length = 2048
    max_payload_length = 16384

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


_REGISTRY = _Registry(strict_check_header=False)
_HEADER = msgspec.json.Decoder(dict[str, Any])


async def open_token(
    token: str,
    decoder: msgspec.json.Decoder[T],
    *,
    keys: KeySource,
    algorithms: Collection[str],
    max_bytes: int,
) -> T:
    """Return the claims of a token after checking its signature; the caller checks the claims.

    Raises TokenRefused with the broken rule, Unavailable if the keys are not available.
    """
    header = read_header(token, max_bytes)
    try:
        key = await find_key(header, keys)
    except Unavailable:  # with another algorithm it is no use to come again
        if header.get("alg") not in algorithms:
            raise TokenRefused(
                "infrastructure.http_clients.alg_not_allowed",
                algorithms=" or ".join(algorithms),
                given=named_algorithm(header),
            ) from None
        raise
    return _object(decoder, verified_payload(token, key), "claims")


def peek_claim(token: str, name: str) -> object:
    """Return a claim of an unverified token, or None. Never rely on it."""
    try:
        return _HEADER.decode(unverified_payload(token)).get(name)
    except (ValueError, RecursionError):
        return None


def unverified_payload(token: str) -> bytes:
    """Return the payload of an unverified token. Raises ValueError. Never rely on it."""
    return urlsafe_b64decode(token.partition(".")[2].partition(".")[0].encode())


def read_unverified(token: str, decoder: msgspec.json.Decoder[T], max_bytes: int) -> T:
    """Return the claims of a well-formed, unverified token. Never rely on them.

    Raises TokenRefused with the first fault of the form.
    """
    read_header(token, max_bytes)
    try:
        payload = unverified_payload(token)
    except ValueError:
        raise TokenRefused("infrastructure.http_clients.claims_not_base64url") from None
    return _object(decoder, payload, "claims")


def read_header(token: str, max_bytes: int) -> dict[str, Any]:
    """Return the header of a well-formed token; `find_key` checks its algorithm. Raises
    TokenRefused."""
    if not token:
        raise TokenRefused("infrastructure.http_clients.token_empty")
    if token[:6].lower() == "bearer":
        raise TokenRefused("infrastructure.http_clients.token_with_scheme")
    if len(token) > max_bytes:
        raise TokenRefused(
            "infrastructure.http_clients.token_too_long", size=len(token), max_bytes=max_bytes
        )
    if not token.isascii() or token.count(".") != 2:
        parts = token.count(".") + 1
        raise TokenRefused("infrastructure.http_clients.token_malformed", parts=parts)
    try:
        raw = urlsafe_b64decode(token.partition(".")[0].encode())
    except ValueError:
        raise TokenRefused("infrastructure.http_clients.header_not_base64url") from None
    header = _object(_HEADER, raw, "header")
    for name in _NOT_ALLOWED:
        if name in header:
            raise TokenRefused("infrastructure.http_clients.header_member_not_allowed", name=name)
    kid = header.get("kid")
    if "kid" in header and not (isinstance(kid, str) and 0 < len(kid) <= 256):
        raise TokenRefused("infrastructure.http_clients.kid_length")
    return header


async def find_key(header: Mapping[str, Any], keys: KeySource) -> VerificationKey:
    """Return the key that a header names; only its own algorithm may be used with it.

    Raises TokenRefused, or Unavailable.
    """
    key = await keys.find(header.get("kid"))
    if header.get("alg") != key.algorithm:
        raise TokenRefused(
            "infrastructure.http_clients.alg_of_other_key",
            algorithm=key.algorithm,
            given=named_algorithm(header),
        )
    return key


def named_algorithm(header: Mapping[str, Any]) -> Text:
    """Return what a header has where the algorithm's name should be, for people."""
    named = header.get("alg")
    if named == "none":
        return load_text("errors_infrastructure", "infrastructure.http_clients.not_signed")
    if isinstance(named, str) and named.isprintable() and named:
        return plain_word(printable(named))
    return describe_value(named)


def verified_payload(token: str, key: VerificationKey) -> bytes:
    """Return the payload after checking its signature. Raises TokenRefused."""
    needed = _SIGNATURE_BYTES.get(key.algorithm)
    try:
        size = len(urlsafe_b64decode(token.rpartition(".")[2].encode()))
        if needed is not None and size != needed:
            raise TokenRefused(
                "infrastructure.http_clients.signature_length", size=size, needed=needed
            )
        return jws.deserialize_compact(token, key.key, registry=_REGISTRY).payload
    except (JoseError, ValueError, RecursionError):
        raise TokenRefused("infrastructure.http_clients.signature_mismatch") from None


def _object(decoder: msgspec.json.Decoder[T], raw: bytes, part: str) -> T:
    """Decode a part of a token. Raises TokenRefused naming the member or the part."""
    try:
        refuse_repeated_keys(raw)
        return decode_json(decoder, raw)
    except MalformedInput:
        raise TokenRefused("infrastructure.http_clients.part_not_json", part=part) from None
    except InvalidInput as error:
        fault = error.faults[0]
        raise TokenRefused(
            "infrastructure.http_clients.claim_invalid",
            value=fault.field or part,
            message=Text(zh=fault.zh or fault.message, en=fault.message),
        ) from None
