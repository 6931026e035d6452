"""Form posts of the desk: from our own pages only, bounded, each field once."""

from __future__ import annotations

from hmac import compare_digest
from urllib.parse import parse_qsl

from starlette.requests import Request

from voting_service.desk.access import find_visitor
from voting_service.desk.state import desk_of
from voting_service.errors import (
    Fault,
    InvalidInput,
    MalformedInput,
    SentFromElsewhere,
    UnsupportedMedia,
)
from voting_service.web.bodies import read_body
from voting_service.web.same_origin import refuse_cross_site

MARK = "csrf"
MAX_BYTES = 64 * 1024
MAX_FIELDS = 2000
_MEDIA_TYPE = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a post, without the mark.

    Raises SentFromElsewhere for a page of another site and, with a session, for a missing or
    wrong mark; InputTooLarge, UnsupportedMedia, MalformedInput, InvalidInput for a field given
    twice.
    """
    fields: dict[str, str] = {}
    for name, values in (await read_form_lists(request)).items():
        if len(values) > 1:
            raise InvalidInput(Fault(name, "this field is given twice"))
        fields[name] = values[0]
    return fields


async def read_form_lists(request: Request) -> dict[str, list[str]]:
    """The same for forms in which a field may come several times."""
    refuse_cross_site(request, desk_of(request).settings.office_url)
    fields = await _fields(request)
    await take_mark(request, fields)
    return fields


async def take_mark(request: Request, fields: dict[str, list[str]]) -> None:
    """Takes the mark out of the fields. Raises SentFromElsewhere where there is a session and it
    is missing or wrong."""
    marks = fields.pop(MARK, [])
    visitor = await find_visitor(request)
    if visitor is not None:
        given = marks[0].encode() if len(marks) == 1 else b""
        if not compare_digest(given, visitor.csrf.encode()):
            raise SentFromElsewhere("the form does not carry this session's mark; load it anew")


async def _fields(request: Request) -> dict[str, list[str]]:
    headers = request.headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _MEDIA_TYPE or headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia(f"send the form as {_MEDIA_TYPE}, as it is")
    body = await read_body(request.receive, MAX_BYTES)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise MalformedInput(Fault("", "the body is not a form in UTF-8")) from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(field_text(value))
    return fields


def field_text(value: str) -> str:
    """A field's value as it is kept. Raises MalformedInput."""
    if "\0" in value:
        raise MalformedInput(Fault("", "the form holds a zero byte"))
    # A browser ends the lines of a text area with both characters (HTML, form submission).
    return value.replace("\r\n", "\n")
