"""Approval requests in Postgres."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, get_args

import msgspec

from voting_service.errors import NotFound, Refused
from voting_service.infrastructure.crypto.canonical_json import digest
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import Account
from voting_service.staff.approvals.model import (
    ApprovalRequest,
    TargetType,
    WaitingRequest,
    registered_kinds,
)

QUERIES = Queries(__package__)


async def load_contest_approvals(
    connection: AnyConnection, contest_id: int
) -> tuple[ApprovalRequest, ...]:
    """Return every request about a contest, oldest first. Raises Refused when one does not match
    the hash it was stored with."""
    return await load_approvals(connection, "contest", contest_id)


async def load_selection_approvals(
    connection: AnyConnection, selection_id: int
) -> tuple[ApprovalRequest, ...]:
    """The same for a selection."""
    return await load_approvals(connection, "selection", selection_id)


async def load_approvals(
    connection: AnyConnection, target: TargetType, target_id: int
) -> tuple[ApprovalRequest, ...]:
    """The same for any target. Raises Refused."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["requests"], *_ids(target, target_id))
    return tuple(_read(dict(row)) for row in rows)


async def load_waiting(connection: AnyConnection, account: Account) -> tuple[WaitingRequest, ...]:
    """Return every request that waits for the account, oldest first: of each kind that its role
    may decide, but not those it proposed itself. Raises Refused as `load_approvals`."""
    kinds = [kind.name for kind in registered_kinds() if account.role in kind.deciders]
    with domain_errors():
        rows = await connection.fetch(QUERIES["waiting"], kinds, account.id)
    return tuple(
        WaitingRequest(target, row[f"{target}_id"], _read(dict(row)))
        for row in rows
        for target in get_args(TargetType)
        if row[f"{target}_id"] is not None
    )


def _read(row: Mapping[str, Any]) -> ApprovalRequest:
    request = msgspec.convert(row, ApprovalRequest)
    if payload_hash(request.kind, request.subject, request.payload) != request.payload_hash:
        raise Refused("staff.approvals.changed_in_database", id=request.id)
    return request


def _ids(target: TargetType, target_id: int) -> Iterator[int | None]:
    """The columns contest_id, selection_id and draft_id."""
    return (target_id if target == column else None for column in get_args(TargetType))


def payload_hash(kind: str, subject: str, payload: dict[str, Any]) -> str:
    """SHA-256 of the request's canonical JSON, in hexadecimal."""
    return digest({"kind": kind, "subject": subject, "payload": payload})


def find_approval(requests: Iterable[ApprovalRequest], request_id: int) -> ApprovalRequest:
    """Return the request with this id. Raises NotFound."""
    for request in requests:
        if request.id == request_id:
            return request
    raise NotFound("staff.approvals.no_such_approval", id=request_id)


class NewRequest(msgspec.Struct, frozen=True):
    """A request as it is stored first; the fields of ApprovalRequest."""

    kind: str
    subject: str
    payload: dict[str, Any]
    proposed_by: int
    proposed_at: datetime

    @property
    def payload_hash(self) -> str:
        return payload_hash(self.kind, self.subject, self.payload)


async def insert_request(
    connection: AnyConnection, target: TargetType, target_id: int, request: NewRequest
) -> int:
    """Store a request and return its id."""
    request_id: int = await connection.fetchval(
        QUERIES["insert_request"],
        *_ids(target, target_id),
        request.kind,
        request.subject,
        request.payload,
        request.payload_hash,
        request.proposed_by,
        request.proposed_at,
    )
    return request_id


async def store_approval(
    connection: AnyConnection, request_id: int, account_id: int, now: datetime
) -> None:
    """Raises Refused when somebody approved or declined the request first."""
    await _update(connection, "approve_request", request_id, account_id, now)


async def store_refusal(
    connection: AnyConnection, request_id: int, account_id: int, now: datetime, because: str
) -> None:
    """Raises Refused when somebody approved or declined the request first."""
    await _update(connection, "decline_request", request_id, account_id, now, because)


async def _update(connection: AnyConnection, query: str, request_id: int, *values: Any) -> None:
    if await connection.fetchval(QUERIES[query], request_id, *values) is None:
        raise Refused("staff.approvals.just_closed", id=request_id)
