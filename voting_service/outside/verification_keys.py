"""The public keys that a platform signs with: pinned, or published under an address (JWKS)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode

from voting_service.errors import Fault, InvalidInput, TokenRefused, Unavailable
from voting_service.outside.calls import Outside
from voting_service.outside.remembered import Monotonic, Remembered

MAX_KEYS = 32
_MIN_RSA_BITS = 2048
_MAX_RSA_BITS = 4096
_KINDS: Mapping[
    tuple[object, object], tuple[str, type[OKPKey | ECKey | RSAKey], tuple[str, ...]]
] = {
    ("OKP", "Ed25519"): ("EdDSA", OKPKey, ("crv", "x")),
    ("EC", "P-256"): ("ES256", ECKey, ("crv", "x", "y")),
    ("RSA", None): ("RS256", RSAKey, ("n", "e")),
}
"""(kty, crv) to the algorithm, joserfc's class and the members that make the key."""


class VerificationKey(NamedTuple):
    """A public key and the one algorithm it is used with."""

    kid: str | None
    algorithm: str
    key: OKPKey | ECKey | RSAKey


class KeySource(Protocol):
    """Where the verifier looks for a key."""

    async def find(self, kid: str | None) -> VerificationKey:
        """Raises TokenRefused when there is no such key, Unavailable when nobody can say."""
        ...


def read_key(jwk: object, algorithms: Collection[str]) -> VerificationKey:
    """A key of one of `algorithms`. Raises ValueError with what is wrong with the JWK."""
    if not isinstance(jwk, dict):
        raise ValueError("must be a JWK, an object")  # noqa: TRY004 - one error for any fault
    if jwk.keys() & {"d", "k"}:
        raise ValueError("holds a secret key; give the public one")
    kid = jwk.get("kid")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= 256):
        raise ValueError("kid must be 1 to 256 characters")
    for (kty, crv), (algorithm, kind, members) in _KINDS.items():
        if (jwk.get("kty"), jwk.get("crv")) == (kty, crv) and algorithm in algorithms:
            _check_use(jwk, algorithm)
            return VerificationKey(kid, algorithm, _import(kind, jwk, members))
    raise ValueError(f"is not a key for {' or '.join(algorithms)}")


def _check_use(jwk: Mapping[str, Any], algorithm: str) -> None:
    if jwk.get("alg", algorithm) != algorithm:
        raise ValueError(f"alg must be {algorithm} for this key")
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list):
        raise ValueError("is not meant for signatures")
    if "verify" not in operations:
        raise ValueError("is not meant for verifying signatures")


def _import(
    kind: type[OKPKey | ECKey | RSAKey], jwk: Mapping[str, Any], members: tuple[str, ...]
) -> OKPKey | ECKey | RSAKey:
    try:
        if kind is RSAKey:
            _check_size(jwk["n"])
        return kind.import_key({"kty": kind.key_type, **{name: jwk[name] for name in members}})
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"is not a valid key: {error}") from error


def _check_size(modulus: str) -> None:
    bits = int.from_bytes(urlsafe_b64decode(modulus.encode()), "big").bit_length()
    if not _MIN_RSA_BITS <= bits <= _MAX_RSA_BITS:
        raise ValueError(f"an RSA key must have {_MIN_RSA_BITS} to {_MAX_RSA_BITS} bits")


def _choose(keys: Sequence[VerificationKey], kid: str | None) -> VerificationKey | None:
    """The key meant by a token's kid; None when it is not here.

    A single key needs no kid. A key that was registered without one answers to any.
    """
    if kid is None:
        if len(keys) > 1:
            raise TokenRefused("kid: is missing in the header; the platform has more than one key")
        return keys[0]
    if len(keys) == 1 and keys[0].kid is None:
        return keys[0]
    return next((key for key in keys if key.kid == kid), None)


class PinnedKeys:
    """Keys of the platform's own row."""

    def __init__(self, jwks: Sequence[object], algorithms: Collection[str], field: str) -> None:
        """Raises InvalidInput with every fault, its places under `field`."""
        faults: list[Fault] = []
        keys: list[VerificationKey] = []
        for index, jwk in enumerate(jwks):
            try:
                keys.append(read_key(jwk, algorithms))
            except ValueError as error:
                faults.append(Fault(f"{field}[{index}]", str(error)))
        kids = [key.kid for key in keys]
        if len(jwks) > 1 and (None in kids or len(set(kids)) < len(kids)):
            faults.append(Fault(field, "each of several keys needs a kid of its own"))
        if not 1 <= len(jwks) <= MAX_KEYS:
            faults.append(Fault(field, f"must hold 1 to {MAX_KEYS} keys"))
        if faults:
            raise InvalidInput(*faults)
        self._keys = tuple(keys)

    async def find(self, kid: str | None) -> VerificationKey:
        found = _choose(self._keys, kid)
        if found is None:
            raise TokenRefused(
                "kid: the platform has no such key; with one key registered, leave kid out"
            )
        return found


class PublishedKeys:
    """Keys under an address; a kid that is not among them is looked for once more, so that a
    platform can begin to use a new key at any moment."""

    def __init__(
        self,
        name: str,
        url: Callable[[], Awaitable[str]],
        algorithms: Collection[str],
        outside: Outside,
        monotonic: Monotonic,
    ) -> None:
        self._url = url
        self._algorithms = algorithms
        self._outside = outside
        self._keys = Remembered(name, self._fetch, monotonic)

    async def find(self, kid: str | None) -> VerificationKey:
        found = _choose(await self._keys.get(), kid)
        if found is None:
            found = _choose(await self._keys.get_newer(), kid)
        if found is None:
            raise TokenRefused("kid: the platform publishes no such key")
        return found

    async def _fetch(self) -> tuple[VerificationKey, ...]:
        """Keys of other kinds are left out, as RFC 7517 section 5 asks."""
        answer = await self._outside.get(await self._url())
        if answer.status != 200:
            raise Unavailable(f"the keys' address answered with status {answer.status}")
        keys: list[VerificationKey] = []
        for jwk in listed_keys(answer.body):
            try:
                keys.append(read_key(jwk, self._algorithms))
            except ValueError:
                continue
        if not keys:
            raise Unavailable("the keys' address lists no key that can be used")
        return tuple(keys)


def listed_keys(body: bytes) -> Sequence[Any]:
    """What a key set lists, usable or not. Raises Unavailable when it is none."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = None
    listed = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise Unavailable("the keys' address did not answer with a key set")
    return listed
