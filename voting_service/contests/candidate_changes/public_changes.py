"""Corrections and withdrawals as the API gives them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from voting_service.contests.candidate_changes.descriptions import public_corrections
from voting_service.contests.model import Contest, Withdrawal
from voting_service.i18n.text import Text


class PublicCorrection(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was corrected of a candidate; values by field of the profile, `pictures` are all
    pictures. `before` is absent where the earlier text stays hidden."""

    number: int
    corrected_at: datetime
    after: dict[str, Any]
    reason: Text
    before: dict[str, Any] | None = None


class CandidateChanges(msgspec.Struct, frozen=True):
    """Every correction since the profiles are published, and every withdrawal, oldest first."""

    contest: str
    corrections: tuple[PublicCorrection, ...]
    withdrawals: tuple[Withdrawal, ...]


def public_changes(contest: Contest) -> CandidateChanges:
    """Return what the public may know of a contest's changes."""
    return CandidateChanges(
        contest.slug,
        tuple(
            PublicCorrection(
                correction.number,
                correction.corrected_at,
                correction.after,
                correction.reason,
                None if correction.before_hidden else correction.before,
            )
            for correction in public_corrections(contest)
        ),
        contest.withdrawals,
    )
