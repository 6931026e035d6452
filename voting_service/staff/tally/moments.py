"""Moments and stretches of time as addresses and forms give them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from voting_service.contests.model import Contest
from voting_service.errors import Fault, InvalidInput, NotFound

_HOUR = "%Y-%m-%dT%HZ"


def read_moment(text: str, contest: Contest, field: str) -> datetime:
    """`2022-07-18T20:30`, in the contest's zone unless it names one. Raises InvalidInput."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=contest.zone)
        moment = moment.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise InvalidInput(
            Fault(field, "write a moment as 2022-07-18T20:30", "请填写日期和时间。")
        ) from None
    if not 1970 < moment.year < 9000:
        raise InvalidInput(
            Fault(field, "there was no contest in that year", "该年份没有投票活动。")
        )
    return moment


def read_hour(text: str) -> datetime:
    """`2022-07-18T12Z`, an hour of UTC. Raises NotFound."""
    try:
        hour = datetime.strptime(text, _HOUR).replace(tzinfo=UTC)
    except ValueError:
        raise NotFound("an hour is written 2022-07-18T12Z") from None
    if not 1970 < hour.year < 9000:
        raise NotFound("there was no contest in that year")
    return hour


def local_text(moment: datetime, contest: Contest) -> str:
    """As a field of a form holds it: `2022-07-18T20:30:00`."""
    return moment.astimezone(contest.zone).strftime("%Y-%m-%dT%H:%M:%S")


def hour_path(contest: Contest, hour: datetime) -> str:
    """Where an hour is drilled down into."""
    return f"/contests/{contest.slug}/hours/{hour.astimezone(UTC).strftime(_HOUR)}"


def window_path(contest: Contest, begins: datetime, ends: datetime, **conditions: str) -> str:
    """Where any stretch is; empty conditions are left out."""
    fields = {
        "from": begins.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "to": ends.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **{name: value for name, value in conditions.items() if value},
    }
    return f"/contests/{contest.slug}/window?{urlencode(fields, safe=':')}"


def last_window(contest: Contest, moment: datetime, hours: int, **conditions: str) -> str:
    """Where the hours before a moment are; after the close, those before the close."""
    ends = min(moment, contest.closes_at)
    return window_path(contest, ends - timedelta(hours=hours), ends, **conditions)


def minute_path(contest: Contest, minute: datetime, **conditions: str) -> str:
    """Where a minute is."""
    return window_path(contest, minute, minute + timedelta(minutes=1), **conditions)
