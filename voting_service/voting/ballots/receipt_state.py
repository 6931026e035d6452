"""What the holder of a receipt may see of the ballot's state, and from when.

Whether a ballot was held is shown once its day is over and there was time to gather its held
ballots; a transaction that stays open for longer delays the gathering, and not this. Shown at once,
it would tell an attacker which attempts got past the screening.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Literal

from voting_service.contests.model import Contest
from voting_service.infrastructure.timeouts import USUAL_DRAIN_SECONDS

GATHER_SECONDS = 60
"""`work` gathers held ballots every thirty seconds (jobs/held_ballots.py)."""

ReceiptState = Literal["recorded", "counted", "held", "void"]
"""`recorded` until the state is shown, otherwise the BallotState."""


def shown_from(contest: Contest, cast_at: datetime) -> datetime:
    """Return when the state of a ballot cast at `cast_at` is shown: after the end of its local day,
    or after the close."""
    day = cast_at.astimezone(contest.zone).date()
    midnight = datetime.combine(day + timedelta(days=1), time(), contest.zone)
    drained = min(midnight, contest.closes_at) + timedelta(seconds=USUAL_DRAIN_SECONDS)
    return drained + timedelta(seconds=GATHER_SECONDS)
