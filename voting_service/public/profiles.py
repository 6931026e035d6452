"""Public profiles as bytes, made once for each change of a contest."""

from __future__ import annotations

import msgspec

from voting_service.contests.model import Contest
from voting_service.tally.standings import Prepared


class PreparedProfiles:
    """The list of candidates and each of them by number."""

    def __init__(self, contest: Contest) -> None:
        self.list = Prepared.of(
            {"contest": contest.slug, "candidates": msgspec.to_builtins(contest.candidates)}
        )
        self.by_number = {c.number: Prepared.of(c) for c in contest.candidates}
