"""Sign the cut, and verify a signed cut from the file and a public key alone."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
)
from voting_service.infrastructure.crypto.signed_document import (
    check_signature,
    read_signed_file,
    sign_document,
)
from voting_service.voting.cut.correction import correction_faults
from voting_service.voting.cut.document import (
    FORMAT,
    CountedResult,
    CountedVotes,
    CutDocument,
    CutVoteFigures,
    TieDecision,
    build_document,
)
from voting_service.voting.tally.recount import Count


class VerifiedCut(NamedTuple):
    """A consistent document; `public_key` (base64) is the key it is signed with."""

    document: CutDocument
    public_key: str


def sign(document: CutDocument, key: Ed25519PrivateKey) -> bytes:
    """Return the signed file; the same input gives the same bytes."""
    return sign_document(document.builtins(), key)


def verify_document(data: bytes, public_key: Ed25519PublicKey | None = None) -> VerifiedCut:
    """Verify a signed file and return its document.

    Checks the signature, recomputes ranks, ties, margins and selection from the counts in the
    document, and checks that its correction is possible. Needs no database and no settings;
    `correction.check_predecessor` checks it against the previous version.

    Without `public_key` the signature only proves that the file is complete: compare its key with
    the announced one. Raises InvalidInput with every part that does not follow from the counts.
    """
    file = read_signed_file(data)
    check_signature(file, public_key)
    try:
        document = msgspec.convert(file.document, CutDocument)
    except msgspec.ValidationError as error:
        raise InvalidInput(Fault.verbatim("document", str(error))) from None
    if document.builtins() != file.document:
        raise InvalidInput(Fault("document", "voting.cut.unknown_parts"))
    faults = _count_faults(document)
    if not faults:
        faults = _derivation_faults(document) + correction_faults(document)
    if faults:
        raise InvalidInput(*faults)
    return VerifiedCut(document, file.signature.public_key)


def _count_faults(document: CutDocument) -> list[Fault]:
    """Return the faults of the counts themselves."""
    faults = []
    if document.format != FORMAT:
        faults.append(Fault("document.format", "voting.cut.wrong_format", format=FORMAT))
    if document.contest.cut.size < 1:
        faults.append(Fault("document.contest.cut.size", "voting.cut.size_too_small"))
    numbers = [result.number for result in document.counted]
    if len(set(numbers)) != len(numbers):
        faults.append(Fault("document.candidates", "voting.cut.number_repeated"))
    figures: list[tuple[str, CutVoteFigures | CountedResult]] = [
        ("document.ballots", document.ballots),
        *((f"document.candidates[{n}]", row) for n, row in enumerate(document.candidates)),
        *((f"document.withdrawn[{n}]", row) for n, row in enumerate(document.withdrawn)),
    ]
    for field, row in figures:
        if min(row.gross, row.held, row.void, row.net) < 0:
            faults.append(Fault(field, "voting.cut.negative_count"))
        if row.gross != row.held + row.void + row.net:
            faults.append(Fault(field, "voting.cut.wrong_sum"))
        if row.held:
            faults.append(Fault(field, "voting.cut.ballots_held", held=row.held))
    rules, ballots = document.contest.ballot, document.ballots.net
    votes = sum(result.net for result in document.counted)
    if not ballots * rules.min_choices <= votes <= ballots * rules.max_choices:
        faults.append(
            Fault(
                "document.ballots.net",
                "voting.cut.impossible_votes",
                ballots=ballots,
                votes=votes,
            )
        )
    return faults


def _derivation_faults(document: CutDocument) -> list[Fault]:
    """Return the parts that do not follow from the counts."""
    report = document.ties[0] if document.ties else None
    decision = TieDecision(report.order, report.drawn, report.decided_at) if report else None
    ballots = document.ballots
    try:
        expected = build_document(
            document.contest,
            CountedVotes(
                {result.number: result.name for result in document.counted},
                {r.number: Count(r.gross, r.held, r.void) for r in document.counted},
                Count(ballots.gross, ballots.held, ballots.void),
                {result.number: result.withdrawal for result in document.withdrawn},
            ),
            decision,
            version=document.version,
            corrects=document.corrects,
        ).builtins()
    except (InvalidInput, Refused) as error:
        return [Fault.verbatim("document.ties", str(error))]
    return [
        Fault(f"document.{part}", "voting.cut.not_derived")
        for part, value in document.builtins().items()
        if value != expected.get(part)
    ]
