"""The HTTP protocol of the public site: the response when too many connections are open."""

from __future__ import annotations

from starlette.types import Scope

from voting_service.errors import busy
from voting_service.sites.public.pages.error_pages import refusal
from voting_service.sites.shared.problem_documents import Headers
from voting_service.sites.shared.slow_clients import PatientHttp


class PublicHttpProtocol(PatientHttp):
    """Refuse like the full ballot queue: a page for browsers, a problem document for others."""

    def busy(self, scope: Scope) -> tuple[int, Headers, bytes]:
        return refusal(scope, busy())
