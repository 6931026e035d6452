"""`/{language}/platforms/check`: engineers paste a sign-in token and read what is wrong with it.

The token is examined and forgotten: it is neither used up, nor stored, nor sent back.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.contest_list import find_front_contest
from voting_service.contests.model import Platform
from voting_service.errors import VotingError
from voting_service.i18n.catalogues import load_catalogue, load_text
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.http_clients.json_web_tokens import peek_claim
from voting_service.sites.public.embed.guide import EXAMPLE_CONTEST, texts
from voting_service.sites.public.embed.rendering import environment
from voting_service.sites.public.pages.forms import read_form
from voting_service.sites.public.pages.responses import language_of_path, rendered_response
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.problem_documents import problem_kind
from voting_service.voting.voters.platform_diagnostics import (
    DiagnosticFinding,
    examine_token,
    wrong,
)

MAX_BODY_BYTES = 16384
_LINK = re.compile(r"[#&?]token=([^&]*)")
"""Where a token stands in a link to `/enter`, which may be pasted whole."""


class Examination(NamedTuple):
    """What was found about a token, by the time of this service."""

    findings: list[DiagnosticFinding]
    at: datetime

    @property
    def wrong(self) -> int:
        return sum(finding.ok is False for finding in self.findings)


async def token_checker(request: Request) -> Response:
    """Show the form."""
    return _page(language_of_path(request))


async def check_token(request: Request) -> Response:
    """Show what is right and what is wrong about the token of the form."""
    language = language_of_path(request)
    try:
        form = await read_form(request, ("token",), MAX_BODY_BYTES)
    except VotingError as error:
        return _page(language, error=error)
    pasted = "".join(form.fields.get("token", "").split())
    link = _LINK.search(pasted)
    return _page(language, await _examine(request.state.app_state, link[1] if link else pasted))


async def _examine(state: PublicState, token: str) -> Examination:
    now = state.clock()
    contest = state.sign_in.audience(token)
    if contest not in state.contest_states:
        front = find_front_contest(state.contests(), now)
        contest = front.slug if front else EXAMPLE_CONTEST
    issuer = peek_claim(token, "iss")
    platform = state.registry.platforms.get(issuer) if isinstance(issuer, str) else None
    if platform is None or platform.kind != "jwt":
        return Examination(await _of_nobody(token, issuer, contest, now), now)
    findings = await state.sign_in.examine(platform, token, contest)
    if not platform.enabled:
        findings = _instead_of_issuer(findings, wrong("iss", _text("platform_off")))
    return Examination(findings, now)


async def _of_nobody(
    token: str, issuer: object, contest: str, now: datetime
) -> list[DiagnosticFinding]:
    """Return what can be said without a registered platform: all but the signature."""
    slug = issuer if isinstance(issuer, str) else ""
    name = Text(zh=slug, en=slug)
    nobody = Platform(0, slug, name, "jwt", {}, (), None, enabled=True, revision=0)
    findings = await examine_token(token, None, platform=nobody, contest_slug=contest, now=now)
    unknown = wrong("iss", _text("unknown_platform", slug=slug[:40]), _text("register"))
    return _instead_of_issuer(findings, unknown)


def _instead_of_issuer(
    findings: list[DiagnosticFinding], finding: DiagnosticFinding
) -> list[DiagnosticFinding]:
    """Return the findings with another one about a well-formed issuer."""
    return [finding if other.ok and other.what == "iss" else other for other in findings]


def _text(name: str, **params: object) -> Text:
    return load_text("platform_check", f"token.{name}", **params)


def _page(
    language: Language, examination: Examination | None = None, error: VotingError | None = None
) -> Response:
    body = (
        environment()
        .get_template("token_checker.html")
        .render(
            language=language,
            t=texts(language),
            parts=load_catalogue("platform_check", language)["parts"],
            examination=examination,
            error=error,
        )
    )
    return rendered_response(body.encode(), problem_kind(error).status if error else 200)
