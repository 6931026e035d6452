"""The organisation's single sign-on, from the settings."""

from __future__ import annotations

import time

import httpx
from pydantic import SecretStr

from voting_service.errors import Fault
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.http_clients.client import BoundedClient
from voting_service.infrastructure.http_clients.openid_connect import (
    Client,
    OpenIdProvider,
    check_issuer,
)
from voting_service.settings import Settings, SettingsFault


def openid_provider(
    settings: Settings, http: httpx.AsyncClient, clock: Clock
) -> OpenIdProvider | None:
    """Return the provider; None where none is set. Raises SettingsFault when a part is missing."""
    parts = {
        "VOTING_STAFF_OPENID_ISSUER": settings.staff_openid_issuer,
        "VOTING_STAFF_OPENID_CLIENT_ID": settings.staff_openid_client_id,
        "VOTING_STAFF_OPENID_CLIENT_SECRET_FILE": settings.staff_openid_client_secret_file,
    }
    if not any(parts.values()):
        return None
    missing = [
        Fault(name, "sites.shared.signed_in.missing") for name, value in parts.items() if not value
    ]
    if missing:
        raise SettingsFault(*missing)
    assert settings.staff_openid_issuer
    assert settings.staff_openid_client_id
    assert settings.staff_openid_client_secret_file
    check_issuer("VOTING_STAFF_OPENID_ISSUER", settings.staff_openid_issuer)
    try:
        secret = settings.staff_openid_client_secret_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        fault = Fault(
            "VOTING_STAFF_OPENID_CLIENT_SECRET_FILE",
            "sites.shared.signed_in.cannot_read",
            strerror=error.strerror,
        )
        raise SettingsFault(fault) from error
    client = Client(
        name="office",
        issuer=settings.staff_openid_issuer,
        client_id=settings.staff_openid_client_id,
        secret=SecretStr(secret),
        algorithms=("RS256", "ES256", "EdDSA"),
    )
    return OpenIdProvider(client, BoundedClient(http), clock=clock, monotonic=time.monotonic)
