"""Check the keys of a platform and a sample token against the contract, line by line.

Sign-in stops at the first broken rule; this reports every rule. The rules are those of the sign-in
(`platform_adapters/jwt.py`); no token is used up. The texts are those of the catalogue
`platform_check`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from voting_service.contests.model import Platform
from voting_service.errors import (
    Fault,
    InvalidInput,
    TokenRefused,
    Unavailable,
    VotingError,
)
from voting_service.i18n.catalogues import find_text, load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.http_clients.json_web_tokens import (
    CLOCK_SKEW_SECONDS,
    find_key,
    named_algorithm,
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
_REMEDIES = {
    "alg_not_allowed": "alg",
    "alg_of_other_key": "alg",
    "claim_invalid": None,
    "exp_before_iat": "exp",
    "exp_passed": "exp",
    "iss_not_platform": "same_platform",
    "signature_mismatch": "signature",
}
"""The text `mend` of a refusal whose sentence states no remedy; None: that of the claim."""


class DiagnosticFinding(NamedTuple):
    """One line: `ok` None is a remark. For a claim, `what` is its name; `mend` is how to fix it."""

    ok: bool | None
    what: str
    detail: Text
    mend: Text | None = None


def _text(path: str, /, **params: Any) -> Text:
    return load_text("platform_check", path, **params)


def _mend(what: str, platform: str = "", contest: str = "") -> Text | None:
    """Return how to fix a token's part or claim, or a rule; None for one without its own text."""
    if find_text("platform_check", f"mend.{what}", "en") is None:
        return None
    return _text(f"mend.{what}", lifetime=MAX_LIFETIME_SECONDS, platform=platform, contest=contest)


def remedy(refusal: TokenRefused, platform: str, contests: Iterable[str]) -> Text | None:
    """Return how to fix a claim, an algorithm or a signature; None for a refusal whose sentence
    states it."""
    rule = refusal.code.rpartition(".")[2]
    if rule not in _REMEDIES:
        return None
    what = _REMEDIES[rule] or str(refusal).partition(": ")[0]
    return _mend(what, f'"{platform}"', ", ".join(f'"{slug}"' for slug in contests))


def error_text(error: VotingError | Fault) -> Text:
    """Return the sentence of an error in both languages."""
    return Text(zh=error.text("zh"), en=error.text("en"))


def _plain(text: str) -> Text:
    """Return a text that is the same in both languages: a name, a value."""
    return Text(zh=text, en=text)


def right(what: str, detail: Text | str) -> DiagnosticFinding:
    return DiagnosticFinding(True, what, _plain(detail) if isinstance(detail, str) else detail)


def remark(what: str, detail: Text | str) -> DiagnosticFinding:
    return DiagnosticFinding(None, what, _plain(detail) if isinstance(detail, str) else detail)


def wrong(what: str, detail: Text | str, mend: Text | None = None) -> DiagnosticFinding:
    return DiagnosticFinding(
        False, what, _plain(detail) if isinstance(detail, str) else detail, mend
    )


def used_up(jti: DiagnosticFinding) -> DiagnosticFinding:
    """Return the finding about the jti of a token that signed somebody in before."""
    return jti if jti.ok is False else wrong("jti", _text("token.used"), _mend("used"))


def examine_keys(jwks: Sequence[object], *, published: bool) -> Iterator[DiagnosticFinding]:
    """Check each key of a set, and the set as a whole."""
    usable: list[VerificationKey] = []
    for place, jwk in enumerate(jwks):
        named = jwk.get("kid") if isinstance(jwk, dict) else None
        what = f"key {named if isinstance(named, str) else place + 1}"
        try:
            key = read_key(jwk, ALGORITHMS)
        except InvalidInput as error:
            yield _unusable(what, jwk, error_text(error), published=published)
        else:
            usable.append(key)
            yield right(what, _text("keys.public", algorithm=key.algorithm))
    if not usable:
        yield wrong("keys", _text("keys.none_usable"), _mend("alg"))
    if len(usable) < 2:
        return
    kids = Counter(key.kid for key in usable)
    for kid, times in kids.items():
        if kid is None:
            detail = _text("keys.without_kid", count=times, all=len(usable))
            yield wrong("kid", detail, _text("mend.kid_each"))
        elif times > 1:
            detail = _text("keys.same_kid", count=times, kid=kid)
            yield wrong("kid", detail, _text("mend.kid_each"))


def _unusable(what: str, jwk: object, fault: Text, *, published: bool) -> DiagnosticFinding:
    if isinstance(jwk, dict) and jwk.keys() & {"d", "k"}:
        return wrong(what, fault, _text("mend.key_secret"))
    if published:
        return remark(what, _text("keys.ignored", fault=fault))
    return wrong(what, fault, _text("mend.key_other"))


def examine_delivery(
    headers: Mapping[str, str], now: datetime, server: datetime | None
) -> Iterator[DiagnosticFinding]:
    """Check how a key set is delivered; `server` is the time of its Date header."""
    kind = headers.get("content-type", "").partition(";")[0].strip()
    if kind in {"application/json", "application/jwk-set+json"}:
        yield right("content-type", kind)
    else:
        yield remark("content-type", _text("delivery.type", kind=kind or _text("delivery.none")))
    caching = headers.get("cache-control", "")
    seconds = _max_age(caching)
    if seconds is not None and seconds > _LONG_CACHE_SECONDS:
        yield wrong(
            "cache-control",
            _text("delivery.long_cache", header=caching, kept=timedelta(seconds=seconds)),
            _text("mend.cache-control"),
        )
    else:
        yield remark("cache-control", caching or _text("delivery.no_cache"))
    if server is not None:
        yield _clock(_text("delivery.clock").en, (server - now).total_seconds())


def _max_age(cache_control: str) -> int | None:
    for part in cache_control.split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "max-age" and value.isdecimal():
            return int(value[:9])
    return None


def _clock(what: str, ahead_seconds: float) -> DiagnosticFinding:
    detail = _text(
        "delivery.clock_ahead" if ahead_seconds > 0 else "delivery.clock_behind",
        seconds=abs(ahead_seconds),
        tolerated=CLOCK_SKEW_SECONDS,
    )
    if abs(ahead_seconds) > CLOCK_SKEW_SECONDS:
        return wrong(what, detail, _text("mend.clock"))
    return right(what, detail)


async def examine_token(
    token: str,
    keys: KeySource | None,
    *,
    platform: Platform,
    contest_slugs: Sequence[str],
    now: datetime,
) -> list[DiagnosticFinding]:
    """Check everything about a token, except its signature without `keys` and its contest without
    `contest_slugs`, which are those it may be for."""
    names = (f'"{platform.slug}"', ", ".join(f'"{slug}"' for slug in contest_slugs))
    findings = await _examine_signature(token, keys)
    try:
        payload = unverified_payload(token)
    except ValueError:
        findings.append(wrong("claims", _text("token.not_base64url")))
    else:
        findings += _examine_claims(payload, platform, contest_slugs, now)
    advice = {"person": f"person_{platform.person_policy}"}
    if not contest_slugs:
        advice["aud"] = "aud_any"
    return [
        finding._replace(mend=finding.mend or _mend(advice.get(finding.what, finding.what), *names))
        if finding.ok is False
        else finding
        for finding in findings
    ]


async def _examine_signature(token: str, keys: KeySource | None) -> list[DiagnosticFinding]:
    try:
        header = read_header(token, MAX_TOKEN_BYTES)
    except TokenRefused as error:
        return [_refusal(error)]
    findings = [_examine_algorithm(header)]
    if keys is None:
        return [*findings, remark("signature", _text("token.no_key"))]
    try:
        key = await find_key(header, keys)
        findings.append(right("kid", header.get("kid") or _text("token.no_kid")))
        verified_payload(token, key)
        findings.append(right("signature", _text("token.signed")))
    except (TokenRefused, Unavailable) as error:
        broken = _refusal(error)
        if broken.what == "alg":  # it also names what the registered key needs
            return [broken]
        findings.append(broken)
    return findings


def _examine_algorithm(header: Mapping[str, Any]) -> DiagnosticFinding:
    if header.get("alg") in ALGORITHMS:
        return right("alg", header["alg"])
    detail = _text(
        "token.alg_not_allowed",
        given=named_algorithm(header),
        algorithms=" / ".join(ALGORITHMS),
    )
    return wrong("alg", detail)


def _refusal(error: VotingError) -> DiagnosticFinding:
    """Return the finding of an error whose sentence begins with the part of the token."""
    what, separator, detail = str(error).partition(": ")
    if not separator:
        return wrong("keys", error_text(error))
    rule = error.code.rpartition(".")[2]
    return wrong(what, Text(zh=error.text("zh").partition("：")[2], en=detail), _mend(rule))


def _examine_claims(
    payload: bytes, platform: Platform, contest_slugs: Sequence[str], now: datetime
) -> Iterator[DiagnosticFinding]:
    try:
        refuse_repeated_keys(payload)
        raw = decode_json(msgspec.json.Decoder(dict[str, msgspec.Raw]), payload)
    except InvalidInput as error:
        fault = error.faults[0]
        named = load_text(
            "platform_check", "token.field", field=fault.field, fault=error_text(fault)
        )
        yield wrong("claims", named if fault.field else error_text(fault))
        return
    read, misshapen = _read_claims(raw)
    # An unreadable claim is replaced by a valid one, so that the others are still checked.
    seconds = int(now.timestamp())
    issued = read.get("iat", min(seconds, read.get("exp", seconds + 60) - 60))
    stand_in = {"iss": platform.slug, "aud": "".join(contest_slugs[:1]), "sub": "-", "jti": "-"}
    claims = Claims(**{**stand_in, "iat": issued, "exp": issued + 60, **read})
    faults = dict(misshapen)
    advice: dict[str, Text | None] = {}
    for broken in broken_rules(claims, platform, contest_slugs=contest_slugs, now=now):
        finding = _refusal(broken)
        faults.setdefault(finding.what, []).append(finding.detail)
        advice.setdefault(finding.what, finding.mend)
    for field in msgspec.structs.fields(Claims):
        name = field.name
        if name in faults:
            value = None if name in {"iss", "person"} else read.get(name)
            yield wrong(name, _joined(faults[name], value), advice.get(name))
        elif name == "aud" and not contest_slugs:
            yield remark(name, _text("token.any_contest", contest=_only(claims.aud)))
        elif name in read:
            yield right(name, _detail(name, claims, now))


def _read_claims(claims: Mapping[str, msgspec.Raw]) -> tuple[dict[str, Any], dict[str, list[Text]]]:
    """Return the well-formed claims, and the faults of the others."""
    read: dict[str, Any] = {}
    faults: dict[str, list[Text]] = {}
    for field in msgspec.structs.fields(Claims):
        if field.name not in claims:
            if field.required:
                faults[field.name] = [_text("token.missing")]
            continue
        try:
            read[field.name] = decode_json(
                msgspec.json.Decoder(field.type), bytes(claims[field.name])
            )
        except InvalidInput as error:
            faults[field.name] = [error_text(error.faults[0])]
    return read, faults


def _only(audience: str | list[str] | None) -> str | None:
    if isinstance(audience, list):
        return audience[0] if len(audience) == 1 else None
    return audience


def _joined(faults: Sequence[Text], value: object) -> Text:
    """Return the faults of a claim, and its value, shortened and printable."""
    shown = "" if value is None else msgspec.json.encode(value).decode()[:80]
    suffix = _text("token.is", value=shown) if shown else _plain("")
    return Text(
        zh="".join(fault.zh for fault in faults) + suffix.zh,
        en="; ".join(fault.en for fault in faults) + suffix.en,
    )


def _detail(name: str, claims: Claims, now: datetime) -> Text | str:
    match name:
        case "iat":
            age = now.timestamp() - claims.iat
            return _text("token.ago" if age >= 0 else "token.ahead", seconds=abs(age))
        case "exp":
            return _text("token.after_iat", seconds=claims.exp - claims.iat)
        case "sub" | "person":
            return _text("token.length", count=len(getattr(claims, name)))
        case "jti":
            return _text("token.not_used", count=len(claims.jti))
        case "aud":
            return str(_only(claims.aud))
        case _:
            return str(getattr(claims, name))
