"""The error for each database constraint on the stored tally."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Refused, VotingError
from voting_service.voting.tally.errors import TallyOfAnotherCluster

CONSTRAINTS: Mapping[str, VotingError] = {
    "tally_floors_cluster": TallyOfAnotherCluster("voting.tally.tally_of_another_cluster"),
    "tally_floors_ours": Refused("voting.tally.owner_only"),
}
"""By constraint name, as migrations/ gives it."""
