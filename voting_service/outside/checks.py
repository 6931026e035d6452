"""What an address and an id of somebody else's server must look like."""

from __future__ import annotations

from voting_service.contests.platform_checks import jwks_address
from voting_service.errors import Fault, InvalidInput, TokenRefused


def check_address(field: str, url: str) -> None:
    """Raises InvalidInput unless `url` is https, or http on the loopback."""
    try:
        jwks_address(url)
    except ValueError as error:
        raise InvalidInput(Fault(field, str(error))) from None


def check_printable(field: str, value: str) -> None:
    """Raises TokenRefused for control characters and half surrogates, which no id has."""
    if not value.isprintable():
        raise TokenRefused(f"{field}: holds characters that cannot be printed")
