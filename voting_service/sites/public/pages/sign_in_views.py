"""`/enter`: sign a platform's user in as a voter.

The platform's page posts a form (platform, token, optionally contest, next, language) or opens
`/enter#platform=…&token=…`. Browsers do not send the fragment to servers; enter.js removes it from
the address and the history, then posts the same form. Both ways navigate the whole window, so the
session cookie is first-party and unaffected by the blocking of third-party cookies. The token
appears in no address we send, no response and no log.

An attacker could sign another person in as himself (login CSRF). Defences: a token works once and
expires after two minutes; a post must come from an origin registered for the platform, from this
site, or, if the browser does not mark it as cross-site, from a page without an origin; the review
page shows the platform and lets the voter sign out. What remains is a link opened within two
minutes, which gains the attacker nothing: the ballot cast is his own, filled in by someone else.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.contests.model import Platform
from voting_service.errors import Fault, InvalidInput, TokenRefused, VotingError
from voting_service.sites.public.api.sessions import MAX_BODY_BYTES, SignInRequest
from voting_service.sites.public.pages.context import PageContext
from voting_service.sites.public.pages.enter_page import (
    NO_REFERRER,
    choose_language,
    enter_page_response,
)
from voting_service.sites.public.pages.forms import BallotForm, read_form
from voting_service.sites.public.pages.provider_sign_in_views import returned
from voting_service.sites.public.pages.sign_in_landing import sign_in_and_redirect
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.same_origin import refuse_cross_site
from voting_service.voting.voters.service import KINDS_WITH_REDIRECT

_FIELDS = ("platform", "token", "contest", "next", "language")


async def enter_page(request: Request) -> Response:
    """Show the page whose script posts the form. A query that no provider sent is discarded:
    servers on the way have already seen its contents."""
    if request.query_params.keys() & {"code", "state", "error"}:
        return await returned(request)
    if request.url.query:
        return RedirectResponse("/enter", 303, NO_REFERRER)
    return enter_page_response(request)


async def without_slash(_request: Request) -> Response:
    """Redirect (302) from `/enter/`; browsers keep the fragment with the token."""
    return RedirectResponse("/enter", 302, NO_REFERRER)


async def enter(request: Request) -> Response:
    """Redirect (303) to the requested page with the session cookie, or show what to do."""
    state: PublicState = request.state.app_state
    language = choose_language(request, "")
    platform: Platform | None = None
    try:
        form = await read_form(request, _FIELDS, MAX_BODY_BYTES)
        next_page = form.fields.get("next", "")
        language = choose_language(request, next_page, form.fields.get("language", ""))
        platform = state.registry.platforms.get(form.fields.get("platform", ""))
        refuse_cross_site(
            request,
            state.settings.public_url,
            trusted=platform.origins if platform else (),
            proves_itself=True,
        )
        if platform and platform.kind in KINDS_WITH_REDIRECT:
            # A code that somebody else obtained: a sign-in at a provider ends where it began.
            raise TokenRefused("sites.public.pages.sign_in_begins_here")
        return await sign_in_and_redirect(request, _credential(form), next_page, language)
    except VotingError as error:
        return enter_page_response(request, error, platform=platform, language=language)


async def leave(context: PageContext) -> Response:
    """Sign the visitor out of this browser."""
    refuse_cross_site(context.request, context.state.settings.public_url)
    response = RedirectResponse(context.address, 303, NO_REFERRER)
    context.cookies.forget_visitor(response)
    return response


def _credential(form: BallotForm) -> SignInRequest:
    """Raises InvalidInput with every missing field."""
    fields = form.fields
    missing = [
        Fault(name, "sites.public.pages.field_missing")
        for name in ("platform", "token")
        if not fields.get(name)
    ]
    if missing:
        raise InvalidInput(*missing)
    return SignInRequest(fields["platform"], fields["token"], fields.get("contest") or None)
