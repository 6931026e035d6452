"""`/{language}/platforms/check`: engineers paste a sign-in token and read what is wrong with it.

The token is examined and forgotten: it is neither used up, nor stored, nor sent back.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from voting_service.errors import VotingError
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language
from voting_service.sites.public.embed.guide import texts
from voting_service.sites.public.embed.rendering import environment
from voting_service.sites.public.pages.forms import read_form
from voting_service.sites.public.pages.responses import language_of_path, rendered_response
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.problem_documents import problem_kind
from voting_service.voting.voters.platform_diagnostics import DiagnosticFinding
from voting_service.voting.voters.token_examination import SignInToken, read_pasted

MAX_BODY_BYTES = 16384


class TokenExamination(NamedTuple):
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
    pasted = read_pasted(form.fields.get("token", ""))
    return _page(language, await _examine(request.state.app_state, pasted))


async def _examine(state: PublicState, pasted: SignInToken) -> TokenExamination:
    platform = state.registry.platforms.get(pasted.issuer or "")
    if platform is not None and platform.kind != "jwt":
        platform = None
    findings = await state.sign_in.examine(platform, pasted, state.contests())
    return TokenExamination(findings, state.clock())


def _page(
    language: Language,
    examination: TokenExamination | None = None,
    error: VotingError | None = None,
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
