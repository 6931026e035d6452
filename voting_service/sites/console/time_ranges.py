"""Times and time windows in addresses and forms of the console."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from voting_service.contests.model import Contest
from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
)

HOUR = timedelta(hours=1)
_HOUR = "%Y-%m-%dT%HZ"


def read_moment(text: str, contest: Contest, field: str) -> datetime:
    """Return the time `2022-07-18T20:30`, in the contest's zone unless it names one. Raises
    InvalidInput."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=contest.zone)
        moment = moment.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise InvalidInput(Fault(field, "sites.console.time_format")) from None
    if not 1970 < moment.year < 9000:
        raise InvalidInput(Fault(field, "sites.console.time_out_of_range"))
    return moment


def read_hour(text: str) -> datetime:
    """Return the hour `2022-07-18T12Z`. Raises NotFound."""
    try:
        hour = datetime.strptime(text, _HOUR).replace(tzinfo=UTC)
    except ValueError:
        raise NotFound("sites.console.hour_format") from None
    if not 1970 < hour.year < 9000:
        raise NotFound("sites.console.hour_out_of_range")
    return hour


def local_text(moment: datetime, contest: Contest) -> str:
    """Return a time as a form field holds it: `2022-07-18T20:30:00`."""
    return moment.astimezone(contest.zone).strftime("%Y-%m-%dT%H:%M:%S")


def hour_path(contest: Contest, hour: datetime) -> str:
    """Return the address of an hour."""
    return f"/contests/{contest.slug}/hours/{hour.astimezone(UTC).strftime(_HOUR)}"


def window_path(contest: Contest, begins: datetime, ends: datetime, **conditions: str) -> str:
    """Return the address of a time window; empty conditions are left out."""
    fields = {
        "from": begins.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "to": ends.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **{name: value for name, value in conditions.items() if value},
    }
    return f"/contests/{contest.slug}/window?{urlencode(fields, safe=':')}"


def last_window(contest: Contest, moment: datetime, hours: int, **conditions: str) -> str:
    """Return the address of the hours before a time, or before the close if that is earlier."""
    ends = min(moment, contest.closes_at)
    return window_path(contest, ends - timedelta(hours=hours), ends, **conditions)


def minute_path(contest: Contest, minute: datetime, **conditions: str) -> str:
    """Return the address of a minute."""
    return window_path(contest, minute, minute + timedelta(minutes=1), **conditions)
