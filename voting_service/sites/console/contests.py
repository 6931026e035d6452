"""The contests that the console keeps in memory, and the one a page is about."""

from __future__ import annotations

from datetime import tzinfo
from zoneinfo import ZoneInfo

from starlette.requests import Request

from voting_service.contests.cache import ContestCache
from voting_service.contests.model import Contest

CITY_ZONE = ZoneInfo("Asia/Shanghai")


def contest_cache(request: Request) -> ContestCache:
    """Return the contests and platforms of the process that serves a request."""
    cache: ContestCache = request.state.contests
    return cache


def contest_from_path(request: Request) -> Contest:
    """Return the contest named in the address. Raises NotFound."""
    return contest_cache(request).contest(request.path_params["slug"])


def newest_zone(contests: ContestCache) -> tzinfo:
    """Return the time zone of the contest that opens last; the city's without one."""
    loaded = contests.contests.values()
    return max(loaded, key=lambda contest: contest.opens_at).zone if loaded else CITY_ZONE
