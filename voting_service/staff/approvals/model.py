"""Approval requests, their kinds, and who may approve or decline one. No I/O.

A kind is declared by the package that acts on it, with `register`. Nothing here lists the kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

import msgspec

from voting_service.errors import Refused, SecondPersonRequired
from voting_service.i18n.catalogues import find_text
from voting_service.i18n.text import Language
from voting_service.staff.accounts.model import (
    Account,
    Role,
    require_role,
)

CATALOGUE = "approvals"
"""The catalogue of the descriptions; a kind names its text there."""
Payload = TypeVar("Payload", bound=msgspec.Struct)
State = Literal["waiting", "approved", "declined"]
TargetType = Literal["contest", "selection", "draft"]

DECIDERS: tuple[Role, ...] = ("tally_clerk", "supervisor")
"""Who may propose something about a contest, and approve what another person proposed.
Administrators create accounts, so they may do neither. The database has the same list
(check_deciders)."""
SELECTION_DECIDERS: tuple[Role, ...] = ("reviewer", "supervisor")
"""The same for requests about a selection."""


class ApprovalTarget(Protocol):
    """What a request is about: a contest, a selection, or the draft of a contest (see
    `ApprovalKind.target`)."""

    @property
    def id(self) -> int: ...
    @property
    def slug(self) -> str: ...


@dataclass(frozen=True)
class ApprovalKind(Generic[Payload]):
    """A kind of approval request.

    `description` is the path of a text in the catalogue `approvals`, or a function that chooses
    one by the payload. The text's placeholders are `subject` and the fields of `payload`.
    `recorded` is the part of a payload that the audit log and the audit archive have; where it
    leaves something out, the hash of the whole stands for that. `proposers` may propose, and
    withdraw their own proposal; they are the deciders unless it is given. `place` is the path of
    the page where a request is decided, with `{slug}` or `{id}` of what it is about, and with the
    `{subject}` up to its slash.
    """

    name: str
    payload: type[Payload]
    target: TargetType
    deciders: tuple[Role, ...]
    description: str | Callable[[Payload], str]
    recorded: Callable[[dict[str, Any]], dict[str, Any]] = dict
    proposers: tuple[Role, ...] = ()
    place: str = "/"

    def may_propose(self) -> tuple[Role, ...]:
        """Return the roles that may propose, and withdraw their own proposal."""
        return self.proposers or self.deciders

    def path(self, slug: str, target_id: int, subject: str) -> str:
        """Return the path of the page where a request about `subject` is decided."""
        part = subject.partition("/")[0]
        return self.place.format(slug=slug, id=target_id, subject=part)

    def read(self, request: ApprovalRequest) -> Payload:
        """Return the payload of a request of this kind. Raises msgspec.ValidationError."""
        return msgspec.convert(request.payload, self.payload)

    def describe(
        self, request: ApprovalRequest, language: Language, *, subject: str | None = None
    ) -> str:
        """Return what the request proposes, as part of a sentence; kind and subject alone where
        the payload does not have the fields of its kind. `subject` replaces the stored one."""
        subject = request.subject if subject is None else subject
        try:
            payload = self.read(request)
        except msgspec.ValidationError:
            return f"{self.name} {subject}"
        path = self.description if isinstance(self.description, str) else self.description(payload)
        text = find_text(CATALOGUE, path, language)
        if text is None:
            raise KeyError(f"no text {path} in the catalogue {CATALOGUE}")
        return text.format(subject=subject, payload=payload)


_KINDS: dict[str, ApprovalKind[Any]] = {}


def register(kind: ApprovalKind[Payload]) -> ApprovalKind[Payload]:
    """Make a kind known by its name, once; return it."""
    if _KINDS.setdefault(kind.name, kind) is not kind:
        raise RuntimeError(f"the approval kind {kind.name} is registered twice")
    return kind


def registered_kinds() -> tuple[ApprovalKind[Any], ...]:
    """Return the registered kinds: those whose packages this process imported."""
    return tuple(_KINDS.values())


def approval_kind(name: str) -> ApprovalKind[Any]:
    """Return the registered kind. Raises KeyError when the package of the kind was not imported."""
    return _KINDS[name]


class ApprovalRequest(msgspec.Struct, frozen=True):
    """A proposal and its outcome. `kind` is the name of an ApprovalKind. `subject` is what the
    request is about and can be approved once: the tied numbers, the version to publish, the hold
    and its turn. `payload` is what is proposed, `payload_hash` its SHA-256 in hexadecimal."""

    id: int
    kind: str
    subject: str
    payload: dict[str, Any]
    payload_hash: str
    proposed_by: int
    proposer: str
    proposed_at: datetime
    approver: str | None
    approved_at: datetime | None
    decliner: str | None
    declined_at: datetime | None
    declined_because: str | None

    @property
    def recorded(self) -> dict[str, Any]:
        """What the audit log and the audit archive have of the payload."""
        return approval_kind(self.kind).recorded(self.payload)

    @property
    def state(self) -> State:
        if self.approved_at is not None:
            return "approved"
        return "waiting" if self.declined_at is None else "declined"

    @property
    def is_readable(self) -> bool:
        """Whether the payload has the fields of its kind. A page that shows them leaves out others,
        which another version proposed; they stand among all approvals."""
        try:
            approval_kind(self.kind).read(self)
        except msgspec.ValidationError:
            return False
        return True

    def describe(self, language: Language) -> str:
        """Return what is proposed, as part of a sentence."""
        return approval_kind(self.kind).describe(self, language)


class WaitingRequest(NamedTuple):
    """A request without a decision, and what it is about."""

    target: TargetType
    target_id: int
    request: ApprovalRequest


def check_approver(request: ApprovalRequest, account: Account) -> None:
    """Raises SecondPersonRequired, WrongRole or Refused; the database refuses these as well."""
    require_role(account, *approval_kind(request.kind).deciders)
    check_waiting(request)
    if request.proposed_by == account.id:
        raise SecondPersonRequired("staff.approvals.own_proposal", name=account.name, id=request.id)


def check_waiting(request: ApprovalRequest) -> None:
    """Raises Refused when the request was already approved or declined."""
    if request.state == "approved":
        raise Refused("staff.approvals.already_approved", id=request.id, approver=request.approver)
    if request.state == "declined":
        raise Refused(
            "staff.approvals.already_declined",
            id=request.id,
            decliner=request.decliner,
            declined_because=request.declined_because,
        )
