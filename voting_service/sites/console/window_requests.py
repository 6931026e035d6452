"""A time window with its filters, as an address or a form names it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.requests import Request

from voting_service.contests.model import Contest
from voting_service.errors import Fault, InvalidInput
from voting_service.sites.console.contests import contest_cache
from voting_service.sites.console.tally_reads import read_number
from voting_service.sites.console.time_ranges import HOUR, read_hour, read_moment, window_path
from voting_service.voting.rulings.model import BallotState
from voting_service.voting.tally.time_window import STATES, Window

CONDITIONS = ("platform", "network", "candidate", "state")
_ID_BYTES = 16
_NETWORK_BYTES = 8


class WindowRequest(msgspec.Struct, frozen=True):
    """The window, its filters, and `conditions` as in the address."""

    window: Window
    state: BallotState | None
    after: bytes | None
    conditions: dict[str, str]


def read_window(request: Request, contest: Contest, query: Mapping[str, str]) -> WindowRequest:
    """Return the window from `/hours/{hour}` or `from` and `to` of an address or a form, with its
    filters. Raises InvalidInput or NotFound, also for what belongs to another contest."""
    if "hour" in request.path_params:
        begins = read_hour(request.path_params["hour"])
        ends = begins + HOUR
    else:
        begins = read_moment(query.get("from", ""), contest, "from")
        ends = read_moment(query.get("to", ""), contest, "to")
    conditions = {name: query[name] for name in CONDITIONS if query.get(name)}
    state = _read_state(conditions.get("state"))
    after = query.get("after", "")
    window = Window(
        begins,
        ends,
        platform_id=_read_platform(request, conditions.get("platform")),
        network=_read_hex(conditions.get("network", ""), _NETWORK_BYTES, "network"),
        candidate=read_number(conditions["candidate"], contest, "candidate")
        if "candidate" in conditions
        else None,
    )
    return WindowRequest(window, state, _read_hex(after, _ID_BYTES, "after"), conditions)


def _read_state(text: str | None) -> BallotState | None:
    if text is None:
        return None
    for state in STATES:
        if state == text:
            return state
    raise InvalidInput(
        Fault("state", "sites.console.tally.unknown_state", states=", ".join(STATES))
    )


def _read_platform(request: Request, slug: str | None) -> int | None:
    if slug is None:
        return None
    platform = contest_cache(request).platforms.get(slug)
    if platform is None:
        raise InvalidInput(Fault("platform", "sites.console.tally.no_such_platform"))
    return platform.id


def _read_hex(text: str, length: int, field: str) -> bytes | None:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b"?"
    if text and (len(value) != length or not text.isalnum()):
        raise InvalidInput(Fault(field, "sites.console.tally.hexadecimal_digits", value=2 * length))
    return value or None


def selection_path(contest: Contest, requested: WindowRequest) -> str:
    """Return the address of the form that puts the ballots of a window in question."""
    window = requested.window
    _, _, query = window_path(
        contest, window.begins, window.ends, **requested.conditions
    ).partition("?")
    return f"/contests/{contest.slug}/holds/new?{query}"
