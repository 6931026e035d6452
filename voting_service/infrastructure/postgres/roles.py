"""The database roles of the processes; migrations/schema/ has what each may do.

A process takes its role when it connects, whatever its login may do besides. A login that is a
member of this one role only cannot do more even when somebody else speaks through it; an
installation with one login, a member of voting_application, is safe from mistakes only.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

Role = Literal["voting_public", "voting_staff", "voting_jobs"]


def url_with_role(url: str, role: Role) -> str:
    """Return the database URL with which a connection has the rights of `role` and no others."""
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("role", role)])
    return urlunsplit(parts._replace(query=query))


def split_role(url: str) -> tuple[str, dict[str, str]]:
    """Return the database URL without its role, and the role as a parameter of the session: a
    pooler refuses a session that begins with one."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = urlencode([(name, value) for name, value in query if name != "role"])
    roles = {name: value for name, value in query if name == "role"}
    return urlunsplit(parts._replace(query=kept)), roles
