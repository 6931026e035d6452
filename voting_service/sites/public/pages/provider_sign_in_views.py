"""Sign in at a provider, WeChat or OpenID Connect.

`/enter/{platform}` leads there, and the provider leads back to `/enter?code=…&state=…`.

The state belongs to the browser that started: it stands, encrypted, in a cookie. So nobody can sign
another person in as himself by sending a link with a code of his own, and what the page should do
afterwards is not in the address.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.contests.contest_list import find_front_contest
from voting_service.contests.model import Platform
from voting_service.errors import NotFound, TokenRefused, VotingError
from voting_service.infrastructure.http_clients.authorization_requests import (
    AuthorizationRequest,
    check_state,
    decrypt,
    encrypt,
    new_secrets,
)
from voting_service.infrastructure.strict_json import printable
from voting_service.sites.public.api.sessions import SignInRequest
from voting_service.sites.public.pages.cookies import PendingSignInCookie
from voting_service.sites.public.pages.enter_page import (
    NO_REFERRER,
    OWN_PAGE,
    choose_language,
    enter_page_response,
)
from voting_service.sites.public.pages.sign_in_choices import is_in_wechat
from voting_service.sites.public.pages.sign_in_landing import sign_in_and_redirect
from voting_service.sites.public.state import PublicState
from voting_service.voting.voters.service import KINDS_WITH_REDIRECT

_LABEL = "voter's sign-in under way"


class PendingVoterSignIn(AuthorizationRequest, frozen=True, kw_only=True):
    """A voter's sign-in that was started: through which platform, to which contest, and the page
    that the voter reads afterwards."""

    platform: str
    contest: str
    next: str


async def start(request: Request) -> Response:
    """Redirect (303) to the platform's provider, or to the entrance of a platform that sends its
    users itself; else show how to get there. Raises NotFound."""
    state: PublicState = request.state.app_state
    platform = state.registry.platforms.get(request.path_params["platform"])
    if platform is None:
        raise NotFound("sites.public.pages.no_such_page")
    next_page = request.query_params.get("next", "")
    if not OWN_PAGE.fullmatch(next_page):  # it is kept in a cookie, which browsers bound
        next_page = ""
    if platform.kind not in KINDS_WITH_REDIRECT and platform.enabled and platform.entrance:
        return RedirectResponse(platform.entrance, 303, NO_REFERRER)
    if platform.kind not in KINDS_WITH_REDIRECT or (
        platform.kind == "wechat" and not is_in_wechat(request)
    ):
        return enter_page_response(request, platform=platform, next_page=next_page)
    try:
        return await _start(request, platform, next_page)
    except VotingError as error:
        return enter_page_response(request, error, platform=platform, next_page=next_page)


async def _start(request: Request, platform: Platform, next_page: str) -> Response:
    state: PublicState = request.state.app_state
    state.require_accepting()
    adapter = state.sign_in.redirecting(platform)
    pending = PendingVoterSignIn(
        platform=platform.slug,
        contest=_contest(state, next_page),
        next=next_page,
        **new_secrets(state.clock()),
    )
    response = RedirectResponse(
        await adapter.authorization_address(pending, _redirect_uri(state)), 303, NO_REFERRER
    )
    encrypted = encrypt(state.settings.master_key.get_secret_value(), _LABEL, pending)
    PendingSignInCookie(state.settings.public_url).keep(response, encrypted)
    return response


def _contest(state: PublicState, next_page: str) -> str:
    """Return the contest of the next page, else the front one. Raises NotFound without any."""
    page = OWN_PAGE.fullmatch(next_page)
    if page and page[2] in state.contest_states:
        return page[2]
    front = find_front_contest(state.contests(), state.clock())
    if front is None:
        raise NotFound("sites.public.no_such_contest")
    return front.slug


def _redirect_uri(state: PublicState) -> str:
    """Return the address that is registered at the providers."""
    return f"{state.settings.public_url}/enter"


async def returned(request: Request) -> Response:
    """Sign in the voter whom a provider sent back, and redirect (303) to the page they came for;
    or show what is missing and how to start again."""
    state: PublicState = request.state.app_state
    cookie = PendingSignInCookie(state.settings.public_url)
    master_key = state.settings.master_key.get_secret_value()
    platform, next_page = None, ""
    try:
        pending = decrypt(master_key, _LABEL, cookie.read(request), PendingVoterSignIn)
        platform, next_page = state.registry.platforms.get(pending.platform), pending.next
        response = await _finish(request, pending, platform)
    except VotingError as error:
        return enter_page_response(request, error, platform=platform, next_page=next_page)
    cookie.forget(response)
    return response


async def _finish(
    request: Request, pending: PendingVoterSignIn, platform: Platform | None
) -> Response:
    state: PublicState = request.state.app_state
    query = request.query_params
    check_state(pending, query.get("state", ""), state.clock())
    if "error" in query:
        raise TokenRefused("sites.public.pages.provider_error", error=query["error"][:64])
    if not query.get("code"):
        raise TokenRefused("sites.public.pages.provider_without_code")
    if platform is None:
        raise TokenRefused("sites.public.api.no_such_platform", slug=printable(pending.platform))
    adapter = state.sign_in.redirecting(platform)
    credential = adapter.credential(pending, query["code"], _redirect_uri(state))
    return await sign_in_and_redirect(
        request,
        SignInRequest(platform.slug, credential, pending.contest),
        pending.next,
        choose_language(request, pending.next),
    )
