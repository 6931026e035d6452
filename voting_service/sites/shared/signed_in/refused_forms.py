"""Show the page of a form that was refused again: filled in, with what is wrong beside each field.

Works for every form alike: the page is asked for as the browser would, and its finished HTML filled
in (form_filling.py). A view that shows its own form again, with more than that, needs none of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from voting_service.errors import (
    InputTooLarge,
    InvalidInput,
    MalformedInput,
    NotFound,
    Refused,
    Unavailable,
    VotingError,
    WrongRole,
)
from voting_service.i18n.text import Language
from voting_service.sites.shared.signed_in.access import form_path, page_of_post, safe_next
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.form_filling import FormFault, RefusedForm
from voting_service.sites.shared.signed_in.keeping import NEVER_KEPT

_MISTAKES = (InvalidInput, Refused, NotFound, Unavailable, InputTooLarge)
"""What a person can put right on the form, or by sending it again."""
_MISTAKES_OF_FILTERS = (InvalidInput, Refused)
_NOT_OF_THE_FORM = (MalformedInput, WrongRole)
_HEADERS_OF_A_POST = frozenset({b"content-type", b"content-length", b"transfer-encoding"})


class _NoPage(Exception):
    """What was asked for is no page to show."""


async def show_again(request: Request, error: VotingError, status: int) -> Response | None:
    """Return the page of a refused form; None where the error is not the form's, or no page of it
    can be shown. A filter, a form that asks for a page, keeps the page that it stands on."""
    mistakes = _MISTAKES if request.method == "POST" else _MISTAKES_OF_FILTERS
    is_shown_again = hasattr(request.state, "refused_form")
    if not isinstance(error, mistakes) or isinstance(error, _NOT_OF_THE_FORM) or is_shown_again:
        return None
    posted: dict[str, list[str]] = getattr(request.state, "posted", {})
    typed = {name: texts for name, texts in posted.items() if name not in NEVER_KEPT}
    lost_files: list[str] = getattr(request.state, "lost_files", [])
    for address in _pages(request):
        faults = _faults(error, language(request))
        refused = RefusedForm(form_path(request), address, typed, faults, lost_files)
        page = await _page(request, address, refused)
        if page is not None:
            page.status_code = status
            return page
    return None


def _pages(request: Request) -> Iterator[str]:
    """Yield where the form may stand: the page that it names, the one that the browser came from,
    and the nearest one above the form's address."""
    named = getattr(request.state, "form_page", "")
    came_from = urlsplit(request.headers.get("referer", ""))
    if named:
        yield safe_next(named)
    elif came_from.netloc == request.headers.get("host"):
        yield safe_next(f"{came_from.path}?{came_from.query}".removesuffix("?"))
    if request.method == "POST":
        yield page_of_post(request)


def _faults(error: VotingError, reader: Language) -> tuple[FormFault, ...]:
    if not isinstance(error, InvalidInput):
        return (FormFault("", error.text(reader)),)
    return tuple(FormFault(fault.field, fault.text(reader)) for fault in error.faults)


async def _page(request: Request, address: str, refused: RefusedForm) -> Response | None:
    """Return the page at an address of this site, as its reader may see it, with the refused form;
    None without such a page."""
    path, _, query = address.partition("?")
    # What an earlier post did is not said beside this one's refusal.
    parameters = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "done"]
    scope = {
        **request.scope,
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": urlencode(parameters).encode(),
        "path_params": {},
        "headers": [pair for pair in request.scope["headers"] if pair[0] not in _HEADERS_OF_A_POST],
        "state": {**request.scope["state"], "refused_form": refused},
    }
    scope.pop("router", None)
    body, headers = bytearray(), {}

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers.update({name.decode(): value.decode() for name, value in message["headers"]})
            is_page = headers.get("content-type", "").startswith("text/html")
            if message["status"] != 200 or not is_page:
                raise _NoPage
        else:
            body.extend(message.get("body", b""))

    try:
        await request.app.router(scope, receive, send)
    except _NoPage:
        return None
    headers.pop("content-length", None)
    return Response(bytes(body), headers=headers)
