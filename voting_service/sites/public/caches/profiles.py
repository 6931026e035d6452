"""Public profiles as prepared responses, made once for each change of a contest."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.contests.candidate_changes.public_changes import public_changes
from voting_service.contests.model import Contest
from voting_service.contests.pictures.model import Picture, public_profile
from voting_service.infrastructure.prepared_response import Prepared


class PreparedProfiles:
    """The prepared list of candidates, the prepared profile of each by number, and the prepared
    list of corrections and withdrawals."""

    def __init__(self, contest: Contest, pictures: Mapping[int, tuple[Picture, ...]]) -> None:
        profiles = [
            public_profile(c, pictures.get(c.number, ()), contest.withdrawn.get(c.number))
            for c in contest.candidates
        ]
        self.list = Prepared.of({"contest": contest.slug, "candidates": profiles})
        self.by_number = {profile.number: Prepared.of(profile) for profile in profiles}
        self.changes = Prepared.of(public_changes(contest))
