"""Staff accounts and roles: plain values, no I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import msgspec

from voting_service.errors import WrongRole
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import LANGUAGES, Language

Role = Literal[
    "tally_clerk", "reviewer", "supervisor", "auditor", "administrator", "recommender", "expert"
]
"""Recommenders are officers of a district or department, experts are members of a panel; all others
belong to the joint office."""
ROLES: tuple[Role, ...] = get_args(Role)
GUESTS: tuple[Role, ...] = ("recommender", "expert")
STAFF: tuple[Role, ...] = tuple(role for role in ROLES if role not in GUESTS)


class Account(msgspec.Struct, frozen=True):
    """One member of staff, without secrets."""

    id: int
    name: str
    role: Role
    disabled: bool
    created_at: datetime


def require_role(account: Account, *roles: Role) -> None:
    """Raises WrongRole unless the account has one of the roles."""
    if account.role not in roles:
        raise WrongRole(
            "staff.accounts.wrong_role",
            name=account.name,
            **{
                f"{language}_{name}": text
                for language in LANGUAGES
                for name, text in (
                    ("role", _role_name(account.role, language)),
                    ("roles", " / ".join(_role_name(role, language) for role in roles)),
                )
            },
        )


def _role_name(role: Role, language: Language) -> str:
    return str(load_catalogue("layout", language)["roles"][role])
