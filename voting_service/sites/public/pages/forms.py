"""Strict reading of the pages' form posts, and their CSRF token."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import NamedTuple

from starlette.requests import Request

from voting_service.errors import (
    Fault,
    InvalidInput,
)
from voting_service.i18n.private_use import map_private_use
from voting_service.sites.shared.request_bodies import read_form_pairs

CHOICE = "choice"
_MAX_FIELDS = 200
_TOKEN_BYTES = 16
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_NO_CANDIDATE = 0
"""Replaces a choice that is not a number. No candidate has it, so the ballot is invalid."""


class BallotForm(NamedTuple):
    """A submitted form: the fields that occur once, and all values of `choice`."""

    fields: Mapping[str, str]
    choices: list[int]


async def read_form(request: Request, allowed: Collection[str], limit_bytes: int) -> BallotForm:
    """Read the form of a request. Of the allowed fields only `choice` may be repeated.

    Raises UnsupportedMedia, InputTooLarge, MalformedInput for a body that is not a form in UTF-8,
    InvalidInput for unknown or repeated fields. Old private code points become today's.
    """
    fields: dict[str, str] = {}
    choices: list[int] = []
    for name, value in await read_form_pairs(request, limit_bytes, _MAX_FIELDS):
        if name not in allowed:
            raise InvalidInput(Fault("", "sites.public.pages.unknown_field"))
        if name == CHOICE:
            choices.append(int(value) if _NUMBER.fullmatch(value) else _NO_CANDIDATE)
        elif name in fields:
            raise InvalidInput(Fault(name, "sites.public.pages.field_repeated"))
        else:
            fields[name] = map_private_use(value)
    return BallotForm(fields, choices)


def csrf_token(session_key: bytes, session: str) -> str:
    """Return the CSRF token of a session: keyed BLAKE2b of the session's token. Pages of other
    sites can neither read nor compute it."""
    return blake2b(
        session.encode(), key=session_key, digest_size=_TOKEN_BYTES, person=b"ballot form"
    ).hexdigest()
