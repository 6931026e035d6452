"""Check 5: the openings of the commitments, and what they add up to."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.transparency_log.merkle import HASH_BYTES
from voting_service.infrastructure.transparency_log.signed_note import decode_base64
from voting_service.infrastructure.transparency_log.sources import LogSource
from voting_service.voting.public_log.commitments import (
    SALT_BYTES,
    BundleValue,
    CommittedCounts,
    commit,
    count_votes,
)
from voting_service.voting.public_log.entries import Openings
from voting_service.voting.public_log.verification.contents import LogContents
from voting_service.voting.public_log.verification.documents import read_document
from voting_service.voting.public_log.verification.faults import fault


class BundleOpening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What opens the commitment of a bundle; the salt is in base64."""

    bundle: int
    salt: str
    value: BundleValue


class RulingOpening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What opens the commitment of a ruling."""

    ruling: int
    salt: str
    value: CommittedCounts


class OpeningsDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The opened counts of all bundles that count, and of the newest ruling."""

    bundles: tuple[BundleOpening, ...]
    ruling: RulingOpening | msgspec.UnsetType = msgspec.UNSET


class CountTotals(NamedTuple):
    """All ballots, and those that are void."""

    gross: CommittedCounts
    void: CommittedCounts


def read_openings(data: bytes) -> OpeningsDocument:
    """Read the document. Raises InvalidInput unless it is one in canonical form, which for its
    values is that with sorted keys: they are integers and base64."""
    try:
        document = msgspec.json.decode(data, type=OpeningsDocument)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(fault("unreadable_openings", error=error)) from None
    if msgspec.json.encode(document, order="sorted") != data:
        raise InvalidInput(fault("openings_not_canonical"))
    return document


def check_openings(
    log: LogContents, openings: Openings, source: LogSource
) -> tuple[CountTotals, list[Fault]]:
    """Return the sums of the opened counts, and what is wrong. Raises InvalidInput for a document
    that cannot be read."""
    document = read_openings(read_document(source, openings.document))
    nothing = gross = count_votes(log.opened.numbers, 0, {})
    opened = [opening.bundle for opening in document.bundles]
    if opened != list(log.counting):
        faults = [
            *(fault("bundle_unopened", number=n) for n in log.counting if n not in set(opened)),
            *(fault("bundle_opened", number=n) for n in opened if n not in log.counting),
        ]
        raise InvalidInput(*(faults or [fault("openings_unordered")]))
    faults = []
    for opening in document.bundles:
        bundle = log.counting[opening.bundle]
        if not _is_commitment(bundle.commitment, opening.salt, opening.value):
            faults.append(fault("wrong_opening", number=opening.bundle))
        if opening.value.ballots != bundle.ballots:
            faults.append(
                fault(
                    "other_ballots",
                    number=opening.bundle,
                    stated=bundle.ballots,
                    opened=opening.value.ballots,
                )
            )
        if not _is_possible(log, opening.value):
            faults.append(fault("impossible_counts", number=opening.bundle))
        elif not faults:
            gross = gross.plus(opening.value)
    void, ruling_faults = _check_ruling(log, openings, document)
    return CountTotals(gross, void or nothing), faults + ruling_faults


def _check_ruling(
    log: LogContents, openings: Openings, document: OpeningsDocument
) -> tuple[CommittedCounts | None, list[Fault]]:
    """Return what is void, and what is wrong with the opening of the newest ruling."""
    opening = document.ruling
    number = 0 if opening is msgspec.UNSET else opening.ruling
    if number != openings.rulings:
        return None, [fault("other_ruling_opened", number=number, expected=openings.rulings)]
    covered = log.rulings[: openings.rulings]
    faults = []
    released = sum(ruling.released for ruling in covered)
    if log.close is not None and released != log.close.held:
        faults.append(fault("held_unruled", released=released, held=log.close.held))
    if opening is msgspec.UNSET:
        return None, faults
    if not _is_commitment(covered[-1].commitment, opening.salt, opening.value):
        faults.append(fault("wrong_ruling_opening", number=number))
    void = sum(ruling.voided for ruling in covered)
    if opening.value.ballots != void:
        faults.append(fault("other_void", stated=void, opened=opening.value.ballots))
    if not _is_possible(log, opening.value):
        faults.append(fault("impossible_void", number=number))
        return None, faults
    return opening.value, faults


def _is_commitment(commitment: str, salt: str, value: CommittedCounts) -> bool:
    decoded = decode_base64(salt)
    choices = decode_base64(value.choices) if isinstance(value, BundleValue) else b"0" * HASH_BYTES
    return (
        decoded is not None
        and len(decoded) == SALT_BYTES
        and choices is not None
        and len(choices) == HASH_BYTES
        and commit(decoded, value) == commitment
    )


def _is_possible(log: LogContents, value: CommittedCounts) -> bool:
    """Return whether every candidate is named and no more votes are counted than ballots allow."""
    votes = [count for _, count in value.votes]
    return (
        tuple(number for number, _ in value.votes) == log.opened.numbers
        and all(0 <= count <= value.ballots for count in votes)
        and sum(votes) <= log.rules_at(len(log.entries)).max_choices * value.ballots
    )
