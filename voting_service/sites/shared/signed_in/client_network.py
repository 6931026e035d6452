"""The network of a request, for rate limits and the list of sessions."""

from __future__ import annotations

from starlette.requests import Request

from voting_service.sites.shared.client_address import client_network
from voting_service.sites.shared.signed_in.state import get_state


def network_of_request(request: Request) -> str:
    """The client's /24 or /64 network as text, such as `192.0.2.0/24`; "" without an address.

    Staff are not voters: where they signed in from is part of the record.
    """
    peer = request.client.host if request.client else ""
    forwarded_for = ", ".join(request.headers.getlist("x-forwarded-for"))
    return client_network(peer, forwarded_for, get_state(request).settings.trusted_proxies)
