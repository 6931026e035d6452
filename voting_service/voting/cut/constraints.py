"""The error for each database constraint on publications of the cut."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Refused, VotingError

CONSTRAINTS: Mapping[str, VotingError] = {
    "publications_complete": Refused("voting.cut.ballots_incomplete"),
    "publications_withdrawals": Refused("voting.cut.document_changed"),
    "publications_unruled": Refused("voting.cut.holds_without_ruling"),
}
"""By constraint name, as migrations/ gives it."""
