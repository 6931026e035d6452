"""What a staff account is: plain values, no I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import msgspec

from voting_service.errors import WrongRole

Role = Literal[
    "tally_clerk", "reviewer", "supervisor", "auditor", "administrator", "recommender", "expert"
]
"""Recommenders are officers of a district or department, experts sit on a panel; the others are
the joint office's own."""
ROLES: tuple[Role, ...] = get_args(Role)
GUESTS: tuple[Role, ...] = ("recommender", "expert")
STAFF: tuple[Role, ...] = tuple(role for role in ROLES if role not in GUESTS)


class Account(msgspec.Struct, frozen=True):
    """One member of the staff; nothing secret."""

    id: int
    name: str
    role: Role
    disabled: bool
    created_at: datetime


def require_role(account: Account, *roles: Role) -> None:
    """Raises WrongRole unless the account has one of the roles."""
    if account.role not in roles:
        raise WrongRole(
            f"{account.name} is {account.role}; this needs {' or '.join(roles)}: "
            "ask somebody who is, or have an account made with `voting-service account add`"
        )
