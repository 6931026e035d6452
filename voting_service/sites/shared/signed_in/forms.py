"""Form posts: checked for CSRF, bounded in size, each field once."""

from __future__ import annotations

from hmac import compare_digest

from starlette.requests import Request

from voting_service.errors import (
    Fault,
    InvalidInput,
    SentFromElsewhere,
)
from voting_service.sites.shared.multipart import field_text
from voting_service.sites.shared.request_bodies import read_form_pairs
from voting_service.sites.shared.same_origin import refuse_cross_site
from voting_service.sites.shared.signed_in.access import find_current_user, master_key
from voting_service.sites.shared.signed_in.form_filling import FORM_PAGE, KEPT
from voting_service.sites.shared.signed_in.form_tokens import account_of_token
from voting_service.sites.shared.signed_in.state import get_state

MARK = "csrf"
MAX_BYTES = 64 * 1024
MAX_FIELDS = 2000


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a post, without the CSRF token.

    Raises SentFromElsewhere for a page of another site and, with a session, for a missing or
    wrong token; InputTooLarge, UnsupportedMedia, MalformedInput, and InvalidInput for a repeated
    field.
    """
    fields: dict[str, str] = {}
    for name, values in (await read_form_lists(request)).items():
        if len(values) > 1:
            raise InvalidInput(Fault(name, "sites.shared.signed_in.field_repeated"))
        fields[name] = values[0]
    return fields


async def read_form_lists(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form in which a field may occur several times."""
    refuse_cross_site(request, get_state(request).settings.staff_url)
    fields = await read_fields(request)
    await check_csrf_token(request, fields)
    return fields


async def check_csrf_token(request: Request, fields: dict[str, list[str]]) -> None:
    """Remove from the fields the mark, whether the form has what was kept of it, and its page; keep
    what was typed for the case that the form is refused (refused_forms.py). Raises
    SentFromElsewhere where there is a session and the mark is missing, or neither of this session
    nor of an earlier one of the same account."""
    marks = fields.pop(MARK, [])
    request.state.has_kept_post = bool(fields.pop(KEPT, []))
    request.state.form_page = "".join(fields.pop(FORM_PAGE, []))
    user = await find_current_user(request)
    if user is not None:
        given = marks[0] if len(marks) == 1 else ""
        of_session = compare_digest(given.partition("-")[0].encode(), user.csrf[:32].encode())
        if not of_session and account_of_token(master_key(request), given) != user.account.id:
            raise SentFromElsewhere("sites.shared.signed_in.csrf_token_wrong")
    request.state.posted = dict(fields)


async def read_fields(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form of any sender. Raises as `read_form`, except
    SentFromElsewhere and InvalidInput."""
    fields: dict[str, list[str]] = {}
    for name, value in await read_form_pairs(request, MAX_BYTES, MAX_FIELDS):
        fields.setdefault(name, []).append(field_text(value))
    return fields
