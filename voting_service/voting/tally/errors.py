"""The errors of the stored tally."""

from __future__ import annotations

from voting_service.errors import Refused


class TallyOfAnotherCluster(Refused):
    """The stored tally refers to transactions of another PostgreSQL cluster, after a restored dump.

    Nothing is counted by it until it has been rebuilt.
    """
