"""Check the keys of a platform and a sample token against the contract, line by line.

Sign-in stops at the first broken rule; this reports every rule. The rules are those of the sign-in
(`platform_adapters/jwt.py`); no token is used up. The output is English: it is read by engineers of
platforms on the command line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from voting_service.errors import (
    InvalidInput,
    TokenRefused,
    Unavailable,
)
from voting_service.infrastructure.http_clients.json_web_tokens import (
    CLOCK_SKEW_SECONDS,
    find_key,
    read_header,
    unverified_payload,
    verified_payload,
)
from voting_service.infrastructure.http_clients.verification_keys import (
    KeySource,
    VerificationKey,
    read_key,
)
from voting_service.infrastructure.strict_json import decode_json, refuse_repeated_keys
from voting_service.voting.voters.platform_adapters.jwt import (
    ALGORITHMS,
    MAX_LIFETIME_SECONDS,
    MAX_TOKEN_BYTES,
    Claims,
    broken_rules,
)

_LONG_CACHE_SECONDS = 3600


class DiagnosticFinding(NamedTuple):
    """One line: `ok` None is a remark. For a claim, `what` is its name; `mend` is how to fix it."""

    ok: bool | None
    what: str
    detail: str
    mend: str = ""


MEND: Mapping[str, str] = {
    "token": "send the compact form, header.claims.signature, and nothing around it",
    "header": "let a JWT library write the header",
    "alg": f"sign with {' or '.join(ALGORITHMS)}, the algorithm of the registered key",
    "kid": "write into the header the kid of the key that signs, as it is registered; with one key "
    "registered, leave it out",
    "signature": "sign with the private half of the registered key; an ES256 signature is the 64 "
    "bytes of r and s, not DER",
    "claims": "the token's second part must be one JSON object",
    "iss": "write the platform's slug, {platform}",
    "aud": "write the contest's slug, {contest}, as a text or a list of one",
    "sub": "write your own unchanging user id, 1 to 128 characters; never a phone number",
    "iat": "write the moment of signing in whole seconds, and set the server's clock by NTP",
    "exp": f"write iat plus at most {MAX_LIFETIME_SECONDS}, and send the user over at once",
    "jti": "write a new random text of at most 128 characters for every token, as of a UUID",
    "nbf": "leave it out, or write iat",
    "person": "leave it out, or write the keyed hash that the contest's platforms agreed on",
    "account_created": 'leave it out, or write a date: "2019-05-31"',
}


def right(what: str, detail: str) -> DiagnosticFinding:
    return DiagnosticFinding(True, what, detail)


def remark(what: str, detail: str) -> DiagnosticFinding:
    return DiagnosticFinding(None, what, detail)


def wrong(what: str, detail: str, mend: str = "") -> DiagnosticFinding:
    return DiagnosticFinding(False, what, detail, mend)


def examine_keys(jwks: Sequence[object], *, published: bool) -> Iterator[DiagnosticFinding]:
    """Check each key of a set, and the set as a whole."""
    usable: list[VerificationKey] = []
    for place, jwk in enumerate(jwks):
        named = jwk.get("kid") if isinstance(jwk, dict) else None
        what = f"key {named if isinstance(named, str) else place + 1}"
        try:
            key = read_key(jwk, ALGORITHMS)
        except ValueError as error:
            yield _unusable(what, jwk, str(error), published=published)
        else:
            usable.append(key)
            yield right(what, f"{key.algorithm}, public")
    if not usable:
        yield wrong("keys", "no usable key", MEND["alg"])
    if len(usable) < 2:
        return
    kids = Counter(key.kid for key in usable)
    for kid, times in kids.items():
        if kid is None:
            yield wrong("kid", f"{times} of {len(usable)} keys have none", "give each its own")
        elif times > 1:
            yield wrong("kid", f"{times} keys are called {kid}", "give each key a kid of its own")


def _unusable(what: str, jwk: object, fault: str, *, published: bool) -> DiagnosticFinding:
    if isinstance(jwk, dict) and jwk.keys() & {"d", "k"}:
        return wrong(what, fault, "anyone who reads it can sign: replace this key everywhere today")
    if published:
        return remark(what, f"is ignored: {fault}")
    return wrong(what, fault, "register another key")


def examine_delivery(
    headers: Mapping[str, str], now: datetime, server: datetime | None
) -> Iterator[DiagnosticFinding]:
    """Check how a key set is delivered; `server` is the time of its Date header."""
    kind = headers.get("content-type", "").partition(";")[0].strip()
    if kind in {"application/json", "application/jwk-set+json"}:
        yield right("content-type", kind)
    else:
        yield remark("content-type", f"{kind or 'none'}; application/jwk-set+json is proper")
    caching = headers.get("cache-control", "")
    seconds = _max_age(caching)
    if seconds is not None and seconds > _LONG_CACHE_SECONDS:
        yield wrong(
            "cache-control",
            f"{caching}: a cache may hide a new key for {timedelta(seconds=seconds)}",
            "let it be kept for five minutes: max-age=300",
        )
    else:
        yield remark("cache-control", caching or "none; max-age=300 suits us")
    if server is not None:
        yield _clock("clock of the keys' server", (server - now).total_seconds())


def _max_age(cache_control: str) -> int | None:
    for part in cache_control.split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "max-age" and value.isdecimal():
            return int(value[:9])
    return None


def _clock(what: str, ahead_seconds: float) -> DiagnosticFinding:
    side = "ahead of" if ahead_seconds > 0 else "behind"
    detail = f"{abs(ahead_seconds):.0f} s {side} ours; {CLOCK_SKEW_SECONDS} s are tolerated"
    if abs(ahead_seconds) > CLOCK_SKEW_SECONDS:
        return wrong(what, detail, "set it by NTP")
    return right(what, detail)


async def examine_token(
    token: str, keys: KeySource | None, *, platform_slug: str, contest_slug: str | None,
    now: datetime,
) -> list[DiagnosticFinding]:  # fmt: skip
    """Check everything about a token, except its signature without `keys` and its contest without
    `contest_slug`."""
    names = {"platform": f'"{platform_slug}"', "contest": f'"{contest_slug or "…"}"'}
    found = await _examine_signature(token, keys)
    try:
        payload = unverified_payload(token)
    except ValueError:
        found.append(wrong("claims", "the second part is not base64url"))
    else:
        found += _examine_claims(payload, platform_slug, contest_slug, now)
    return [
        each._replace(mend=each.mend or MEND.get(each.what, "").format_map(names))
        if each.ok is False
        else each
        for each in found
    ]


async def _examine_signature(token: str, keys: KeySource | None) -> list[DiagnosticFinding]:
    found: list[DiagnosticFinding] = []
    try:
        header = read_header(token, ALGORITHMS, MAX_TOKEN_BYTES)
        found.append(right("alg", header["alg"]))
        if keys is None:
            return [*found, remark("signature", "not examined: no key can be had")]
        key = await find_key(header, keys)
        found.append(right("kid", str(header.get("kid") or "none; the platform has one key")))
        verified_payload(token, key)
        found.append(right("signature", "was made with the registered key"))
    except (TokenRefused, Unavailable) as error:
        found.append(_refusal(str(error)))
    return found


def _refusal(message: str) -> DiagnosticFinding:
    what, separator, detail = message.partition(": ")
    return wrong(what, detail) if separator else wrong("keys", message)


def _examine_claims(
    payload: bytes, platform_slug: str, contest_slug: str | None, now: datetime
) -> Iterator[DiagnosticFinding]:
    try:
        refuse_repeated_keys(payload)
        said = decode_json(msgspec.json.Decoder(dict[str, msgspec.Raw]), payload)
    except InvalidInput as error:
        fault = error.faults[0]
        yield wrong("claims", f"{fault.field} {fault.message}".strip())
        return
    read, misshapen = _read_claims(said)
    expected = contest_slug or _only(read.get("aud")) or ""
    # An unreadable claim is replaced by a valid one, so that the others are still checked.
    seconds = int(now.timestamp())
    issued = read.get("iat", min(seconds, read.get("exp", seconds + 60) - 60))
    stand_in = {"iss": platform_slug, "aud": expected, "sub": "-", "jti": "-"}
    claims = Claims(**{**stand_in, "iat": issued, "exp": issued + 60, **read})
    faults = dict(misshapen)
    for broken in broken_rules(claims, platform_slug=platform_slug, contest_slug=expected, now=now):
        what, _, detail = str(broken).partition(": ")
        faults[what] = f"{faults[what]}; {detail}" if what in faults else detail
    for field in msgspec.structs.fields(Claims):
        name = field.name
        if name in faults:
            yield wrong(name, f"{faults[name]}{_shown(read.get(name))}")
        elif name == "aud" and contest_slug is None:
            yield remark(name, f"{expected}; say with --contest which contest it should be")
        elif name in read:
            yield right(name, _detail(name, claims, now))


def _read_claims(said: Mapping[str, msgspec.Raw]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the well-formed claims, and the faults of the others."""
    read: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for field in msgspec.structs.fields(Claims):
        if field.name not in said:
            if field.required:
                faults[field.name] = "is missing"
            continue
        try:
            read[field.name] = decode_json(
                msgspec.json.Decoder(field.type), bytes(said[field.name])
            )
        except InvalidInput as error:
            faults[field.name] = error.faults[0].message
    return read, faults


def _only(audience: str | list[str] | None) -> str | None:
    if isinstance(audience, list):
        return audience[0] if len(audience) == 1 else None
    return audience


def _shown(value: object) -> str:
    """Return a value, shortened and printable."""
    if value is None or isinstance(value, int):
        return "" if value is None else f" (it is {value})"
    text = "".join(c if c.isprintable() else "�" for c in str(value))
    return f' (it is "{text[:60]}")'


def _detail(name: str, claims: Claims, now: datetime) -> str:
    match name:
        case "iat":
            age = now.timestamp() - claims.iat
            return f"{abs(age):.0f} s {'ago' if age >= 0 else 'ahead'} by our clock"
        case "exp":
            return f"{claims.exp - claims.iat} s after iat"
        case "sub" | "person":
            return f"{len(getattr(claims, name))} characters"
        case "jti":
            return f"{len(claims.jti)} characters; this examination has not used it up"
        case "aud":
            return str(_only(claims.aud))
        case _:
            return str(getattr(claims, name))
