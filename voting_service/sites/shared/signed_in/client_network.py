"""The network of a request, for the list of sessions, and who its tries are counted for."""

from __future__ import annotations

from starlette.requests import Request

from voting_service.sites.shared.client_address import client_networks
from voting_service.sites.shared.signed_in.cookies import known_device
from voting_service.sites.shared.signed_in.state import get_state


def network_of_request(request: Request) -> str:
    """The client's /24 or /64 network as text, such as `192.0.2.0/24`; "" without an address.

    Staff are not voters: where they signed in from is part of the record.
    """
    return next(iter(_networks(request)), "")


def limited_network(request: Request) -> str:
    """The client's /24 or /48 network: what one sender may hold. Limits count for it."""
    return ("nowhere", *_networks(request))[-1]


def source_of_tries(request: Request, account: str | None = None) -> str:
    """Who a try to sign in is counted for: the browser if an account was signed in there before
    (that of the name `account`, where given), otherwise the network."""
    device = known_device(request)
    if device is None or account not in {None, device.account}:
        return limited_network(request)
    return f"device {device.id}"


def _networks(request: Request) -> tuple[str, ...]:
    peer = request.client.host if request.client else ""
    forwarded_for = ", ".join(request.headers.getlist("x-forwarded-for"))
    return client_networks(peer, forwarded_for, get_state(request).settings.trusted_proxies)
