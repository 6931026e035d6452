"""The citizens' HTTP protocol: what it answers when there are more connections than it may hold."""

from __future__ import annotations

from starlette.types import Scope

from voting_service.ballots.casting import busy
from voting_service.public.pages.error_pages import refusal
from voting_service.web.problems import Headers
from voting_service.web.slow_clients import PatientHttp


class CitizensHttp(PatientHttp):
    """Refuses as the vote's own queue does, as a page to whom reads pages."""

    def busy(self, scope: Scope) -> tuple[int, Headers, bytes]:
        return refusal(scope, busy())
