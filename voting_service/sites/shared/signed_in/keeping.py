"""Keep what a refused form posted, and lead to the sign-in and back to the form."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote

from slowapi.errors import RateLimitExceeded
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.errors import IdentityNotConfirmed, NotSignedIn, VotingError
from voting_service.sites.shared.multipart import is_multipart
from voting_service.sites.shared.same_origin import refuse_cross_site
from voting_service.sites.shared.signed_in.access import (
    CONFIRM,
    SIGN_IN,
    form_path,
    master_key,
    page_of_post,
    wants_page,
)
from voting_service.sites.shared.signed_in.form_filling import KEPT
from voting_service.sites.shared.signed_in.form_tokens import account_of_token
from voting_service.sites.shared.signed_in.forms import MARK, read_fields
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import read_refused_upload
from voting_service.staff.accounts.kept_posts import Because, KeptPost, keep_post

NEVER_KEPT = frozenset({"password", "again", "proof", "code", "encrypted_secret", "passkey"})
"""Secrets, which are typed again, and what a passkey signed, which is signed again."""


class Refusal(NamedTuple):
    """Why a guarded form was refused, and where that is put right."""

    because: Because
    address: str


def refusal_of_guard(error: VotingError) -> Refusal | None:
    """Return how the guard of endpoints refused a form; None for any other error."""
    if isinstance(error, NotSignedIn) and error.code == "sites.shared.signed_in.sign_in_first":
        return Refusal("signed_out", SIGN_IN)
    if isinstance(error, IdentityNotConfirmed):
        return Refusal("unconfirmed", CONFIRM)
    return None


async def keep_refused_post(request: Request, refusal: Refusal) -> Response | None:
    """Keep what a form of ours posted for the account that it was made for, and return the way to
    put the refusal right and back to the form; None for a script, which keeps its page."""
    is_kept = False
    # Nothing is kept of a form that is wrong in itself, or while the store is unavailable.
    with suppress(VotingError, RateLimitExceeded):
        is_kept = await _keep(request, refusal.because)
    if not wants_page(request):
        return None
    way_back = f"{refusal.address}?next={quote(page_of_post(request), safe='/')}"
    is_mentioned = is_kept and refusal.address == SIGN_IN
    return RedirectResponse(f"{way_back}&{KEPT}=yes" if is_mentioned else way_back, 303)


@limiter.limit(rate("kept_post"))
async def _count(request: Request) -> Response:
    return Response()


async def _keep(request: Request, because: Because) -> bool:
    """Return whether there was something to keep."""
    state = get_state(request)
    refuse_cross_site(request, state.settings.staff_url)
    await _count(request)
    files: list[str] = []
    if is_multipart(request):
        posted = await read_refused_upload(request)
        fields, files = posted.fields, sorted(posted.all_files)
    else:
        fields = await read_fields(request)
    account_id = account_of_token(master_key(request), "".join(fields.pop(MARK, [])))
    fields.pop(KEPT, None)
    typed = {name: texts for name, texts in fields.items() if name not in NEVER_KEPT}
    has_text = any(any(texts) for texts in typed.values())
    if account_id is None or not (files or has_text or not fields):
        return False
    kept = KeptPost(form_path(request), page_of_post(request), typed, files, because)
    async with state.connection() as connection:
        await keep_post(connection, master_key(request), account_id, kept, state.clock())
    return has_text
