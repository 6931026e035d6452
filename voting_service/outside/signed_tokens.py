"""JSON Web Tokens from outside, read strictly (RFC 7515, 7519, 8725).

The key and the algorithm come from what is registered for the platform, never from the token.
joserfc checks the signature; what it lets through and this service does not is refused here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from voting_service.errors import InvalidInput, MalformedInput, TokenRefused
from voting_service.json_input import decode_json, refuse_repeated_keys
from voting_service.outside.verification_keys import KeySource, VerificationKey

CLOCK_SKEW_SECONDS = 30
"""How far the clock of a platform may be off."""

_NOT_TAKEN = ("crit", "b64", "jwk", "jku", "x5u", "x5c")
"""Extensions nobody here understands, and keys that a token would bring along itself."""

T = TypeVar("T")


class _Registry(jws.JWSRegistry):
    """joserfc's algorithms by name, without its warning that EdDSA has a newer name (RFC 9864);
    which of them a platform may use is decided before."""

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
    """The claims of a token whose signature fits; what they say is the caller's to check.

    Raises TokenRefused with the rule that is broken, Unavailable when the keys cannot be had.
    """
    header = read_header(token, algorithms, max_bytes)
    key = await find_key(header, keys)
    return _object(decoder, verified_payload(token, key), "claims")


def peek_claim(token: str, name: str) -> object:
    """What an unverified token says; None when it cannot be read. Never rely on it."""
    try:
        return _HEADER.decode(unverified_payload(token)).get(name)
    except (ValueError, RecursionError):
        return None


def unverified_payload(token: str) -> bytes:
    """The token's second part. Raises ValueError when there is none. Never rely on it."""
    return urlsafe_b64decode(token.partition(".")[2].partition(".")[0].encode())


def read_unverified(
    token: str, decoder: msgspec.json.Decoder[T], algorithms: Collection[str], max_bytes: int
) -> T:
    """The claims of a token of the right form, whoever signed it. Never rely on them.

    Raises TokenRefused with the first fault of the form.
    """
    read_header(token, algorithms, max_bytes)
    try:
        payload = unverified_payload(token)
    except ValueError:
        raise TokenRefused("claims: is not base64url") from None
    return _object(decoder, payload, "claims")


def read_header(token: str, algorithms: Collection[str], max_bytes: int) -> dict[str, Any]:
    """The header of a token of the right form. Raises TokenRefused."""
    if len(token) > max_bytes:
        raise TokenRefused(f"token: is longer than {max_bytes} bytes")
    if not token.isascii() or token.count(".") != 2:
        raise TokenRefused("token: is not three parts of base64url with a dot between")
    try:
        raw = urlsafe_b64decode(token.partition(".")[0].encode())
    except ValueError:
        raise TokenRefused("header: is not base64url") from None
    header = _object(_HEADER, raw, "header")
    for name in _NOT_TAKEN:
        if name in header:
            raise TokenRefused(f"{name}: is not taken in a token's header")
    if not isinstance(header.get("alg"), str) or header["alg"] not in algorithms:
        raise TokenRefused(f"alg: must be {' or '.join(algorithms)}")
    kid = header.get("kid")
    if "kid" in header and not (isinstance(kid, str) and 0 < len(kid) <= 256):
        raise TokenRefused("kid: must be 1 to 256 characters")
    return header


async def find_key(header: Mapping[str, Any], keys: KeySource) -> VerificationKey:
    """The key that a header means. Raises TokenRefused, and Unavailable when nobody can say."""
    key = await keys.find(header.get("kid"))
    if header["alg"] != key.algorithm:
        raise TokenRefused(f"alg: the key of this kid signs with {key.algorithm}")
    return key


def verified_payload(token: str, key: VerificationKey) -> bytes:
    """What the key signed. Raises TokenRefused."""
    try:
        return jws.deserialize_compact(token, key.key, registry=_REGISTRY).payload
    except (JoseError, ValueError, RecursionError):
        raise TokenRefused("signature: was not made with the platform's key") from None


def _object(decoder: msgspec.json.Decoder[T], raw: bytes, part: str) -> T:
    """Raises TokenRefused naming the member, or the part when it is no object at all."""
    try:
        refuse_repeated_keys(raw)
        return decode_json(decoder, raw)
    except MalformedInput:
        raise TokenRefused(f"{part}: not valid JSON") from None
    except InvalidInput as error:
        fault = error.faults[0]
        raise TokenRefused(f"{fault.field or part}: {fault.message}") from None
