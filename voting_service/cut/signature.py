"""Signing the cut, and checking a signed one with nothing but itself and a public key."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from voting_service.cut.correction import correction_faults
from voting_service.cut.document import FORMAT, CutDocument, TieDecision, build_document
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.storage.signed_file import check_signature, read_signed_file, sign_document
from voting_service.tally.recount import Count


class VerifiedCut(NamedTuple):
    """A document that holds together; `public_key` (base64) is whose signature it bears."""

    document: CutDocument
    public_key: str


def sign(document: CutDocument, key: Ed25519PrivateKey) -> bytes:
    """The whole file; the same bytes whenever it is run again."""
    return sign_document(document.builtins(), key)


def verify_document(data: bytes, public_key: Ed25519PublicKey | None = None) -> VerifiedCut:
    """Checks the signature, then computes ranks, line, ties, margins and selection again from
    the counts in the document, and whether what it corrects is possible. Needs no database and
    no settings; `correction.check_predecessor` does the rest with the version before.

    Without `public_key` the signature only shows that the document is whole: whose key it is
    must then be compared with the key that was announced. Raises InvalidInput, naming every
    part that does not follow from the counts.
    """
    file = read_signed_file(data)
    check_signature(file, public_key)
    try:
        document = msgspec.convert(file.document, CutDocument)
    except msgspec.ValidationError as error:
        raise InvalidInput(Fault("document", str(error))) from None
    if document.builtins() != file.document:
        raise InvalidInput(Fault("document", "holds parts that this version does not know"))
    faults = _count_faults(document)
    if not faults:
        faults = _derivation_faults(document) + correction_faults(document)
    if faults:
        raise InvalidInput(*faults)
    return VerifiedCut(document, file.signature.public_key)


def _count_faults(document: CutDocument) -> list[Fault]:
    """What is wrong with the counts themselves."""
    faults = []
    if document.format != FORMAT:
        faults.append(Fault("document.format", f"must be {FORMAT}"))
    if document.contest.cut.size < 1:
        faults.append(Fault("document.contest.cut.size", "must be at least 1"))
    numbers = [result.number for result in document.candidates]
    if len(set(numbers)) != len(numbers):
        faults.append(Fault("document.candidates", "a number stands twice"))
    figures = [("document.ballots", document.ballots)] + [
        (f"document.candidates[{place}]", result)
        for place, result in enumerate(document.candidates)
    ]
    for field, row in figures:
        if min(row.gross, row.held, row.void, row.net) < 0:
            faults.append(Fault(field, "a count is negative"))
        if row.gross != row.held + row.void + row.net:
            faults.append(Fault(field, "gross is not held + void + net"))
        if row.held:
            faults.append(Fault(field, f"{row.held} are held and not ruled"))
    rules, ballots = document.contest.ballot, document.ballots.net
    votes = sum(result.net for result in document.candidates)
    if not ballots * rules.min_choices <= votes <= ballots * rules.max_choices:
        faults.append(Fault("document.ballots.net", f"{ballots} ballots cannot hold {votes} votes"))
    return faults


def _derivation_faults(document: CutDocument) -> list[Fault]:
    """What does not follow from the counts."""
    report = document.ties[0] if document.ties else None
    decision = TieDecision(report.order, report.drawn, report.decided_at) if report else None
    ballots = document.ballots
    try:
        expected = build_document(
            document.contest,
            {result.number: result.name for result in document.candidates},
            {r.number: Count(r.gross, r.held, r.void) for r in document.candidates},
            Count(ballots.gross, ballots.held, ballots.void),
            decision,
            version=document.version,
            corrects=document.corrects,
        ).builtins()
    except (InvalidInput, Refused) as error:
        return [Fault("document.ties", str(error))]
    return [
        Fault(f"document.{part}", "does not follow from the counts and the announced rules")
        for part, value in document.builtins().items()
        if value != expected.get(part)
    ]
