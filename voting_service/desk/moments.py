"""Days and times that forms are given, by the clock of what they are about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

from voting_service.errors import Fault, InvalidInput


def _local(text: str, zone: tzinfo) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def local_moment(text: str, field: str, zone: tzinfo) -> datetime:
    """A day and time as a form's `field` has it. Raises InvalidInput."""
    moment = _local(text, zone)
    if moment is None:
        raise InvalidInput(Fault(field, "give a day and a time", "请填写日期和时间。"))
    return moment


def shown_from(form: Mapping[str, str], zone: tzinfo) -> datetime | None:
    """From when on something is public: `when` is `approval`, which gives None for at once, or
    `moment`, with a `moment`. Raises InvalidInput."""
    if form.get("when") == "approval":
        return None
    moment = _local(form.get("moment", ""), zone)
    if form.get("when") != "moment" or moment is None:
        raise InvalidInput(
            Fault(
                "moment",
                "choose at once, or a day and a time",
                "请选择“批准后立即”，或填写日期和时间。",
            )
        )
    return moment
