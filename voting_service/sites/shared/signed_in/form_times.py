"""Dates and times in forms, in the time zone of the contest or selection."""

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
    """Return the date and time of a form's `field`. Raises InvalidInput."""
    moment = _local(text, zone)
    if moment is None:
        raise InvalidInput(Fault(field, "sites.shared.signed_in.no_date_and_time"))
    return moment


def shown_from(form: Mapping[str, str], zone: tzinfo) -> datetime | None:
    """Return when something becomes public: None for `when=approval`, else the time in `moment`.
    Raises InvalidInput."""
    if form.get("when") == "approval":
        return None
    moment = _local(form.get("moment", ""), zone)
    if form.get("when") != "moment" or moment is None:
        raise InvalidInput(Fault("moment", "sites.shared.signed_in.visible_from_missing"))
    return moment
