"""The error for each database constraint on holds and rulings."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Refused, VotingError

CONSTRAINTS: Mapping[str, VotingError] = {
    "holds_once": Refused("voting.rulings.already_held"),
    "rulings_turn": Refused("voting.rulings.ruled_since_proposed"),
}
"""By constraint name, as migrations/ gives it."""
