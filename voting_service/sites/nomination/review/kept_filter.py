"""The filter of the review queue in addresses, so that it is kept from page to page."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request

from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.nomination.review.filtering import QueueFilter
from voting_service.sites.nomination.context import personal_keys

_NUMBER = re.compile(r"[0-9]{1,9}")
_WORDS_LABEL = "words of a search"
_ENCRYPTED_WORDS = "find"


def read_filter(request: Request) -> QueueFilter:
    """Return the filter in the address. Words stand there encrypted, because addresses are kept in
    logs and words may be names. Raises InvalidInput for words that cannot be decrypted."""
    query = {name: text for name, text in request.query_params.items() if name != "words"}
    queue_filter = QueueFilter.of(query)
    encrypted = query.get(_ENCRYPTED_WORDS, "")
    if not encrypted:
        return queue_filter
    try:
        words = personal_keys(request).decrypt(_WORDS_LABEL, urlsafe_b64decode(encrypted)).decode()
    except (Refused, ValueError):  # ValueError: not base64
        raise InvalidInput(
            Fault(_ENCRYPTED_WORDS, "sites.nomination.review.search_out_of_date")
        ) from None
    return msgspec.structs.replace(queue_filter, words=words)


def filter_query(request: Request, queue_filter: QueueFilter, now: datetime | None = None) -> str:
    """Return the query of an address that keeps the filter; with `now`, of the list as it is at
    that time (see QueueFilter.since)."""
    values = {name: text for name, text in msgspec.structs.asdict(queue_filter).items() if text}
    words = values.pop("words", "")
    if words:
        encrypted = personal_keys(request).encrypt(_WORDS_LABEL, words.encode())
        values[_ENCRYPTED_WORDS] = urlsafe_b64encode(encrypted).decode()
    if now is not None:
        values["since"] = str(int(now.timestamp()))
    return urlencode(values)


def done_of(request: Request) -> str:
    """Return the number of the recommendation that the message `done` is about, or ""."""
    number = request.query_params.get("of", "")
    return number if _NUMBER.fullmatch(number) else ""
