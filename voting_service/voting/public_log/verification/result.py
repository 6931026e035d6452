"""Check 6: the signed result follows from the opened counts."""

from __future__ import annotations

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.transparency_log.sources import LogSource
from voting_service.voting.cut.correction import check_predecessor
from voting_service.voting.cut.document import CutDocument
from voting_service.voting.cut.signature import VerifiedCut, verify_document
from voting_service.voting.public_log.entries import Cut
from voting_service.voting.public_log.verification.contents import LogContents
from voting_service.voting.public_log.verification.documents import read_document, read_rules
from voting_service.voting.public_log.verification.faults import fault
from voting_service.voting.public_log.verification.openings import CountTotals


def check_file(
    entry: Cut, data: bytes, before: bytes | None, key: Ed25519PublicKey | None
) -> VerifiedCut:
    """Return a version of the result whose signature, ranks and selection are right, and which
    corrects the version before. Raises InvalidInput."""
    try:
        verified = verify_document(data, key)
        if before is not None:
            check_predecessor(verified.document, before)
    except InvalidInput as error:
        raise InvalidInput(
            *(
                fault(
                    "wrong_result",
                    version=entry.version,
                    zh_error=f"{broken.field} {broken.zh}".strip(),
                    error=broken,
                )
                for broken in error.faults
            )
        ) from None
    if verified.document.version != entry.version:
        raise InvalidInput(
            fault("other_version", version=entry.version, stated=verified.document.version)
        )
    return verified


def check_same_key(verified: list[VerifiedCut]) -> list[Fault]:
    """All versions are signed with one key."""
    keys = {version.public_key for version in verified}
    return [fault("other_signing_key")] if len(keys) > 1 else []


def check_contest(
    log: LogContents, place: int, document: CutDocument, source: LogSource
) -> list[Fault]:
    """The result is of this contest, under the rules in force, without those who withdrew before
    the close. Who withdrew later may have done so after this version was decided."""
    version = document.version
    faults = []
    try:
        rules = read_rules(read_document(source, log.rules_at(place).rules))
    except msgspec.ValidationError:
        return [fault("other_contest", version=version)]
    if rules != document.contest:
        faults.append(fault("other_contest", version=version))
    withdrawn = {result.number for result in document.withdrawn}
    at_close = log.withdrawn_at(log.entries.index(log.close) if log.close else place)
    for number in sorted(withdrawn - log.withdrawn_at(place)):
        faults.append(fault("not_withdrawn", version=version, number=number))
    for number in sorted(at_close - withdrawn):
        faults.append(fault("still_ranked", version=version, number=number))
    numbers = {result.number for result in document.counted}
    if numbers != set(log.opened.numbers):
        faults.append(fault("result_candidates", version=version))
    return faults


def check_figures(log: LogContents, document: CutDocument, counts: CountTotals) -> list[Fault]:
    """The votes of each candidate, and the ballots, are those that were opened."""
    version = document.version
    gross, void = dict(counts.gross.votes), dict(counts.void.votes)
    faults = [
        fault(
            "other_votes",
            version=version,
            number=result.number,
            stated=f"{result.gross:,} − {result.void:,}",
            opened=f"{gross.get(result.number, 0):,} − {void.get(result.number, 0):,}",
        )
        for result in document.counted
        if (result.gross, result.held, result.void)
        != (gross.get(result.number), 0, void.get(result.number))
    ]
    ballots = document.ballots
    opened = (counts.gross.ballots, 0, counts.void.ballots)
    if (ballots.gross, ballots.held, ballots.void) != opened or (
        log.close is not None and ballots.gross != log.close.ballots
    ):
        faults.append(
            fault(
                "result_ballots",
                version=version,
                stated=f"{ballots.gross:,} − {ballots.void:,}",
                opened=f"{counts.gross.ballots:,} − {counts.void.ballots:,}",
            )
        )
    return faults
