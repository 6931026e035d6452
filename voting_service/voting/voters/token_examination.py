"""Examine a token that an engineer pasted, for the page and the command alike: one set of rules.

The token is examined and forgotten: it is neither used up, nor stored, nor sent back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from voting_service.contests.model import Contest, Platform
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.http_clients.json_web_tokens import peek_claim
from voting_service.infrastructure.http_clients.verification_keys import KeySource
from voting_service.infrastructure.strict_json import printable
from voting_service.voting.voters.platform_diagnostics import (
    DiagnosticFinding,
    examine_token,
    remark,
    right,
    used_up,
    wrong,
)
from voting_service.voting.voters.used_tokens import UsedTokens

_IN_LINK = re.compile(r"[#&?](platform|token)=([^&]*)")


class SignInToken(NamedTuple):
    """A token, and the platform that the link names in which it stood."""

    token: str
    platform: str | None = None

    @property
    def issuer(self) -> str | None:
        """The platform that the token claims to be of, unverified."""
        issuer = peek_claim(self.token, "iss")
        return issuer if isinstance(issuer, str) else None


class SignInRules(NamedTuple):
    """What a token is compared with, besides its platform."""

    contests: Sequence[Contest]
    used_tokens: UsedTokens
    now: datetime


def read_pasted(text: str) -> SignInToken:
    """Return the token of a text, which may be the whole link to `/enter`."""
    pasted = "".join(text.split())
    parts = dict(_IN_LINK.findall(pasted))
    if "token" not in parts:
        return SignInToken(pasted)
    return SignInToken(parts["token"], parts.get("platform"))


async def examine_pasted(
    pasted: SignInToken, platform: Platform | None, keys: KeySource | None, rules: SignInRules
) -> list[DiagnosticFinding]:
    """Return what sign-in would find about every part of a token; `platform` is the one that the
    token names, None if there is none."""
    slugs = [contest.slug for contest in rules.contests]
    findings = await examine_token(
        pasted.token,
        keys if platform else None,
        platform=platform or _nobody(pasted.issuer or ""),
        contest_slugs=slugs,
        now=rules.now,
    )
    issuer = _wrong_issuer(pasted, platform)
    if issuer is not None:
        findings = [
            issuer if finding.ok and finding.what == "iss" else finding for finding in findings
        ]
    jti = peek_claim(pasted.token, "jti")
    if platform and isinstance(jti, str) and await rules.used_tokens.was_used(platform.id, jti):
        findings = [used_up(finding) if finding.what == "jti" else finding for finding in findings]
    for finding in findings:
        if finding.what == "aud" and finding.ok:
            findings.append(examine_contest(finding.detail.en, rules.contests, rules.now))
            break
    return findings


def examine_contest(slug: str, contests: Sequence[Contest], now: datetime) -> DiagnosticFinding:
    """Return whether there is a contest, and whether people can vote in it now."""
    contest = next((contest for contest in contests if contest.slug == slug), None)
    if contest is None:
        slugs = ", ".join(contest.slug for contest in contests) or "-"
        mend = _text("contest.existing", slugs=slugs)
        return wrong("contest", _text("contest.unknown", slug=printable(slug)), mend)
    phase = contest.phase(now)
    if phase == "open":
        return right("contest", _text("contest.open", slug=slug))
    moment = contest.closes_at if phase == "closed" else contest.opens_at
    state = "closed" if phase == "closed" else "upcoming"
    shown = f"{moment.astimezone(contest.zone):%Y-%m-%d %H:%M} ({contest.zone})"
    return remark("contest", _text(f"contest.{state}", slug=slug, moment=shown))


def _wrong_issuer(pasted: SignInToken, platform: Platform | None) -> DiagnosticFinding | None:
    """Return what is wrong about a well-formed issuer, apart from the token itself."""
    issuer = printable(pasted.issuer or "")
    if pasted.platform is not None and pasted.platform != pasted.issuer:
        link = printable(pasted.platform)
        text = _text("token.other_platform", token=issuer, link=link)
        return wrong("iss", text, _text("mend.same_platform"))
    if platform is None:
        unknown = _text("token.unknown_platform", slug=issuer)
        return wrong("iss", unknown, _text("token.register"))
    return None if platform.enabled else wrong("iss", _text("token.platform_off"))


def _nobody(slug: str) -> Platform:
    """Return a platform without keys: all of a token but the signature can be said."""
    return Platform(0, slug, Text(zh=slug, en=slug), "jwt", {}, (), None, enabled=True, revision=0)


def _text(path: str, **params: object) -> Text:
    return load_text("platform_check", path, **params)
