"""Public keys that tokens are verified with: pinned, or published at a URL (JWKS)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode

from voting_service.errors import (
    Fault,
    InvalidInput,
    TokenRefused,
    Unavailable,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.http_clients.cached_document import Monotonic, Remembered
from voting_service.infrastructure.http_clients.client import BoundedClient
from voting_service.infrastructure.strict_json import printable

MAX_KEYS = 32
_KIDS_SHOWN = 8
_MIN_RSA_BITS = 2048
_MAX_RSA_BITS = 4096
_KINDS: Mapping[
    tuple[object, object], tuple[str, type[OKPKey | ECKey | RSAKey], tuple[str, ...]]
] = {
    ("OKP", "Ed25519"): ("EdDSA", OKPKey, ("crv", "x")),
    ("EC", "P-256"): ("ES256", ECKey, ("crv", "x", "y")),
    ("RSA", None): ("RS256", RSAKey, ("n", "e")),
}
"""From (kty, crv) to the algorithm, joserfc's class and the members of the key."""


class VerificationKey(NamedTuple):
    """A public key and its only algorithm."""

    kid: str | None
    algorithm: str
    key: OKPKey | ECKey | RSAKey


class KeySource(Protocol):
    """A source of verification keys."""

    async def find(self, kid: str | None) -> VerificationKey:
        """Return a key. Raises TokenRefused if there is none, Unavailable if that is unknown."""
        ...


def read_key(jwk: object, algorithms: Collection[str]) -> VerificationKey:
    """Return a key of one of `algorithms`. Raises InvalidInput with the fault of the JWK."""
    if not isinstance(jwk, dict):
        raise InvalidInput(Fault("", "infrastructure.http_clients.key_not_jwk"))
    if jwk.keys() & {"d", "k"}:
        raise InvalidInput(Fault("", "infrastructure.http_clients.key_secret"))
    kid = jwk.get("kid")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= 256):
        raise InvalidInput(Fault("", "infrastructure.http_clients.key_kid_length"))
    for (kty, crv), (algorithm, kind, members) in _KINDS.items():
        if (jwk.get("kty"), jwk.get("crv")) == (kty, crv) and algorithm in algorithms:
            _check_use(jwk, algorithm)
            return VerificationKey(kid, algorithm, _import(kind, jwk, members))
    raise InvalidInput(
        Fault("", "infrastructure.http_clients.key_other_kind", algorithms=" or ".join(algorithms))
    )


def _check_use(jwk: Mapping[str, Any], algorithm: str) -> None:
    if jwk.get("alg", algorithm) != algorithm:
        raise InvalidInput(
            Fault("", "infrastructure.http_clients.key_alg_other", algorithm=algorithm)
        )
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list):
        raise InvalidInput(Fault("", "infrastructure.http_clients.key_not_for_signatures"))
    if "verify" not in operations:
        raise InvalidInput(Fault("", "infrastructure.http_clients.key_not_for_verifying"))


def _import(
    kind: type[OKPKey | ECKey | RSAKey], jwk: Mapping[str, Any], members: tuple[str, ...]
) -> OKPKey | ECKey | RSAKey:
    try:
        if kind is RSAKey:
            _check_size(jwk["n"])
        return kind.import_key({"kty": kind.key_type, **{name: jwk[name] for name in members}})
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            Fault("", "infrastructure.http_clients.key_invalid", error=error)
        ) from error


def _check_size(modulus: str) -> None:
    bits = int.from_bytes(urlsafe_b64decode(modulus.encode()), "big").bit_length()
    if not _MIN_RSA_BITS <= bits <= _MAX_RSA_BITS:
        raise InvalidInput(
            Fault(
                "",
                "infrastructure.http_clients.key_rsa_size",
                least=_MIN_RSA_BITS,
                most=_MAX_RSA_BITS,
            )
        )


def _choose(keys: Sequence[VerificationKey], kid: str | None) -> VerificationKey | None:
    """Return the key with a token's kid, or None.

    A single key needs no kid. A key registered without a kid matches any.
    """
    if kid is None:
        if len(keys) > 1:
            raise TokenRefused("infrastructure.http_clients.kid_missing")
        return keys[0]
    if len(keys) == 1 and keys[0].kid is None:
        return keys[0]
    return next((key for key in keys if key.kid == kid), None)


def _unknown_key(code: str, kid: str | None, keys: Sequence[VerificationKey]) -> TokenRefused:
    """Return the error that names the token's kid and those there are, which are public."""
    kids = ", ".join(printable(str(key.kid), 64) for key in keys[:_KIDS_SHOWN])
    return TokenRefused(code, kid=printable(kid or "", 64), kids=kids)


class PinnedKeys:
    """Keys registered with the issuer's settings."""

    def __init__(self, jwks: Sequence[object], algorithms: Collection[str], field: str) -> None:
        """Raises InvalidInput with every fault; their fields are below `field`."""
        faults: list[Fault] = []
        keys: list[VerificationKey] = []
        for index, jwk in enumerate(jwks):
            try:
                keys.append(read_key(jwk, algorithms))
            except InvalidInput as error:
                faults.extend(fault.at(f"{field}[{index}]") for fault in error.faults)
        kids = [key.kid for key in keys]
        if len(jwks) > 1 and (None in kids or len(set(kids)) < len(kids)):
            faults.append(Fault(field, "infrastructure.http_clients.kid_not_unique"))
        if not 1 <= len(jwks) <= MAX_KEYS:
            faults.append(Fault(field, "infrastructure.http_clients.key_count", max_keys=MAX_KEYS))
        if faults:
            raise InvalidInput(*faults)
        self._keys = tuple(keys)

    async def find(self, kid: str | None) -> VerificationKey:
        key = _choose(self._keys, kid)
        if key is None:
            raise _unknown_key("infrastructure.http_clients.kid_not_registered", kid, self._keys)
        return key


class PublishedKeys:
    """Keys published at a URL. An unknown kid is looked up again, so that new keys work at once."""

    def __init__(
        self,
        name: Text,
        url: Callable[[], Awaitable[str]],
        algorithms: Collection[str],
        http_client: BoundedClient,
        monotonic: Monotonic,
    ) -> None:
        self._url = url
        self._algorithms = algorithms
        self._http_client = http_client
        self._keys = Remembered(name, self.fetch, monotonic)

    async def find(self, kid: str | None) -> VerificationKey:
        key = _choose(await self._keys.get(), kid)
        if key is None:
            published = await self._keys.get_newer()
            key = _choose(published, kid)
            if key is None:
                raise _unknown_key("infrastructure.http_clients.kid_not_published", kid, published)
        return key

    async def fetch(self) -> tuple[VerificationKey, ...]:
        """Fetch the keys; keys of other kinds are ignored (RFC 7517 section 5). Raises
        Unavailable."""
        answer = await self._http_client.get(await self._url())
        if answer.status != 200:
            raise Unavailable("infrastructure.http_clients.keys_status", status=answer.status)
        keys: list[VerificationKey] = []
        for jwk in listed_keys(answer.body):
            try:
                keys.append(read_key(jwk, self._algorithms))
            except InvalidInput:
                continue
        if not keys:
            raise Unavailable("infrastructure.http_clients.keys_unusable")
        return tuple(keys)


def listed_keys(body: bytes) -> Sequence[Any]:
    """Return all keys of a key set. Raises Unavailable if the body is not a key set."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = None
    listed = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise Unavailable("infrastructure.http_clients.keys_not_a_set")
    return listed
