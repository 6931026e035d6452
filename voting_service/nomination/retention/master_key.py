"""What of the nomination still depends on the master key, and would be lost with it."""

from __future__ import annotations

from voting_service.errors import Refused
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.privacy.encryption import derived_data_key, key_id
from voting_service.nomination.retention.encrypted_columns import ENCRYPTED_COLUMNS

QUERIES = Queries(__package__)


async def require_independence(
    connection: AnyConnection, master_key: bytes, *, has_person_key: bool
) -> None:
    """Raises Refused while personal data is encrypted with a key derived from the master key, or
    persons are known by a hash whose key is derived from it."""
    derived = key_id(derived_data_key(master_key))
    with domain_errors():
        for column in ENCRYPTED_COLUMNS:
            path, name = f'nomination."{column.table}"', f'"{column.column}"'
            if await connection.fetchval(
                f"select exists (select from {path} where substr({name}, 1, $2) = $1)",
                derived,
                len(derived),
            ):
                raise Refused("nomination.retention.data_under_master_key")
        if not has_person_key and await connection.fetchval(QUERIES["persons_are_known"]):
            raise Refused("nomination.retention.persons_under_master_key")
