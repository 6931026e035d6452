"""Read request bodies, bounded in size and time."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Receive

from voting_service.errors import (
    Fault,
    InputTooLarge,
    MalformedInput,
    UnsupportedMedia,
)

BODY_TIMEOUT_SECONDS = 10.0
FORM = "application/x-www-form-urlencoded"


async def read_body(receive: Receive, limit_bytes: int) -> bytes:
    """Return the whole body. Raises InputTooLarge as soon as it is too large, and MalformedInput
    when it is too slow or the client disconnects."""
    # Nearly every body comes whole with its headers; a slow sender's is timed by the server's
    # protocol (slow_clients.py) until its first bytes are here, by us from then on.
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        whole: bytes = message.get("body", b"")
        if len(whole) > limit_bytes:
            raise InputTooLarge(limit_bytes)
        return whole
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            while True:
                if message["type"] == "http.disconnect":
                    raise MalformedInput(Fault("", "sites.shared.body_incomplete"))
                part: bytes = message.get("body", b"")
                size += len(part)
                if size > limit_bytes:
                    raise InputTooLarge(limit_bytes)
                if not message.get("more_body"):
                    return b"".join(parts) + part if parts else part
                parts.append(part)
                message = await receive()
    except TimeoutError:
        raise MalformedInput(Fault("", "sites.shared.body_too_slow")) from None


async def read_form_pairs(
    request: Request, limit_bytes: int, max_fields: int
) -> list[tuple[str, str]]:
    """Return names and values of a form without files, in their order. Raises as `read_body`,
    UnsupportedMedia, and MalformedInput for a body that is not a form in UTF-8."""
    headers = request.headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM or headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia("sites.shared.form_media_type", media_type=FORM)
    body = await read_body(request.receive, limit_bytes)
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=max_fields,
        )
    except ValueError:
        raise MalformedInput(Fault("", "sites.shared.not_a_form")) from None


def require_json(content_type: bytes, content_encoding: bytes) -> None:
    """Raises UnsupportedMedia unless the body is declared as plain JSON; a browser's cross-site
    form cannot declare that without a preflight request."""
    if content_type != b"application/json":
        media_type, _, _ = content_type.partition(b";")
        if media_type.strip().lower() != b"application/json":
            raise UnsupportedMedia("sites.shared.not_json")
    if content_encoding and content_encoding.lower() != b"identity":
        raise UnsupportedMedia("sites.shared.content_encoding")
