"""The error for each database constraint on the stored tally."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import VotingError
from voting_service.voting.tally.errors import TallyOfAnotherCluster

CONSTRAINTS: Mapping[str, VotingError] = {
    "tally_floors_cluster": TallyOfAnotherCluster("voting.tally.tally_of_another_cluster"),
}
"""By constraint name, as migrations/ gives it."""
