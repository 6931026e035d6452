"""Load named SQL statements from .sql files; each has a name and a description.

-- name: insert_ballots
-- Stores a batch; rows whose voter already has a ballot are left out.
insert into ...
"""

from __future__ import annotations

import re
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class Queries:
    """The statements of a .sql file by name."""

    def __init__(self, package: str, file_name: str = "queries.sql") -> None:
        text = resources.files(package).joinpath(file_name).read_text(encoding="utf-8")
        parts = _NAME.split(text)
        names, bodies = parts[1::2], parts[2::2]
        self._statements = {name: body.strip() for name, body in zip(names, bodies, strict=True)}
        if len(self._statements) != len(names):
            raise RuntimeError(f"{package}/{file_name} has two queries of one name")
        undescribed = [n for n, body in self._statements.items() if not body.startswith("-- ")]
        if undescribed:
            raise RuntimeError(f"{package}/{file_name}: no description above {undescribed}")

    def __getitem__(self, name: str) -> str:
        return self._statements[name]
