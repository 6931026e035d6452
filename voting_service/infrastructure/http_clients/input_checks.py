"""Checks of addresses and ids of external servers."""

from __future__ import annotations

from voting_service.errors import InvalidInput, TokenRefused
from voting_service.infrastructure.http_clients.urls import check_https_address, check_same_side


def check_address(field: str, url: str, *, named_by: str | None = None) -> None:
    """Raises InvalidInput unless `url` is https, or http on the loopback, or if an outside server,
    `named_by`, names one that is inside."""
    try:
        check_https_address(url)
        if named_by is not None:
            check_same_side(url, named_by)
    except InvalidInput as error:
        raise InvalidInput(*(fault.at(field) for fault in error.faults)) from None


def check_printable(field: str, value: str) -> None:
    """Raises TokenRefused for control characters and lone surrogates, which no id contains."""
    if not value.isprintable():
        raise TokenRefused("infrastructure.http_clients.not_printable", field_=field)
