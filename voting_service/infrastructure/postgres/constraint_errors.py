"""The error that each database constraint means to a person.

Each package names the constraints of its tables in its `constraints.py`, and its repository
registers them when it is imported.
"""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import InvalidInput, Refused, VotingError

_ERRORS: dict[str, VotingError] = {
    "records_stay": Refused("infrastructure.postgres.append_only"),
}
"""By constraint name. `records_stay` guards the append-only tables of every package."""


def register_constraint_errors(errors: Mapping[str, VotingError]) -> None:
    """Add a package's constraints. Raises RuntimeError for a name that another package owns."""
    for name, error in errors.items():
        if _ERRORS.setdefault(name, error) is not error:
            raise RuntimeError(f"two packages register the constraint {name}")


def find_constraint_error(name: str | None) -> VotingError | None:
    """Return a new error for a broken constraint; None for one that nobody registered."""
    registered = _ERRORS.get(name or "")
    if registered is None:
        return None
    if isinstance(registered, InvalidInput):
        return type(registered)(*registered.faults)
    return type(registered)(registered.code, **registered.params)
