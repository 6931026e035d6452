"""Form posts of the pages: read strictly, and taken from our own pages only."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request

from voting_service.errors import (
    Fault,
    InvalidInput,
    MalformedInput,
    UnsupportedMedia,
)
from voting_service.web.bodies import read_body

CHOICE = "choice"
_MEDIA_TYPE = "application/x-www-form-urlencoded"
_MAX_FIELDS = 200
_SEAL_BYTES = 16
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_NO_CANDIDATE = 0
"""Stands for a choice that is no number; no candidate has it, so the ballot's rules refuse it."""


class Form(NamedTuple):
    """What was filled in: fields that come once, and the `choice` of every ticked box."""

    fields: Mapping[str, str]
    choices: list[int]


async def read_form(request: Request, allowed: Collection[str], limit_bytes: int) -> Form:
    """The form of a request; `choice` may be repeated if it is allowed, nothing else.

    Raises UnsupportedMedia, InputTooLarge, MalformedInput for bytes that are no form in UTF-8,
    InvalidInput for fields that are unknown or given twice.
    """
    headers = request.headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _MEDIA_TYPE or headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia(f"send the form as {_MEDIA_TYPE}, as it is")
    body = await read_body(request.receive, limit_bytes)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        raise MalformedInput(Fault("", "the body is not a form in UTF-8")) from None
    fields: dict[str, str] = {}
    choices: list[int] = []
    for name, value in pairs:
        if name not in allowed:
            raise InvalidInput(Fault("", "the form has a field that is not known here"))
        if name == CHOICE:
            choices.append(int(value) if _NUMBER.fullmatch(value) else _NO_CANDIDATE)
        elif name in fields:
            raise InvalidInput(Fault(name, "this field is given twice"))
        else:
            fields[name] = value
    return Form(fields, choices)


def form_seal(session_key: bytes, session: str) -> str:
    """What a form of this session's carries in a hidden field: keyed BLAKE2b of the session's
    token. A page of another site can neither read nor make it."""
    return blake2b(
        session.encode(), key=session_key, digest_size=_SEAL_BYTES, person=b"ballot form"
    ).hexdigest()
