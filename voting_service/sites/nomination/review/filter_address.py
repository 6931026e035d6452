"""The filter of the review queue in addresses, so that it stays through every page and reload.

Addresses are kept in logs and histories, and what is searched for is mostly a person's name: the
words stand there encrypted.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request

from voting_service.errors import Refused
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.review.filtering import QueueFilter

MAX_WORDS_CHARACTERS = 100
_LABEL = "words of a filter"


def read_filter(request: Request, keys: PersonalKeys) -> QueueFilter:
    """Return the filter in the address; words that cannot be decrypted are none."""
    queue_filter = QueueFilter.of(request.query_params)
    try:
        words = keys.decrypt(_LABEL, urlsafe_b64decode(queue_filter.words)).decode()
    except (Refused, ValueError):
        words = ""
    return msgspec.structs.replace(queue_filter, words=words)


def filter_query(queue_filter: QueueFilter, keys: PersonalKeys) -> str:
    """Return the query of an address that keeps the filter, "" for one that shows everything."""
    parts = queue_filter.parts()
    if words := parts.get("words"):
        encrypted = keys.encrypt(_LABEL, words[:MAX_WORDS_CHARACTERS].encode())
        parts["words"] = urlsafe_b64encode(encrypted).decode()
    return f"?{urlencode(parts)}" if parts else ""
