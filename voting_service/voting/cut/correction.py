"""What a new version of the cut changes in the previous one. Pure.

With both files a correction can be recomputed (`check_predecessor`). With the new one alone, only
what it states about the old one can be checked for being possible (`correction_faults`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from hashlib import sha256

import msgspec

from voting_service.contests.model import CutRules
from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.signed_document import read_signed_file
from voting_service.voting.cut.document import (
    ChangedVotes,
    Correction,
    CountedResult,
    CutDocument,
    CutVoteFigures,
)
from voting_service.voting.cut.ranking import ranked
from voting_service.voting.cut.tie_rule import select

_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_document(data: bytes) -> CutDocument:
    """Return the document of a published file, unchecked. Raises InvalidInput if it has none."""
    try:
        return msgspec.convert(read_signed_file(data).document, CutDocument)
    except msgspec.ValidationError as error:
        raise InvalidInput(Fault.verbatim("document", str(error))) from None


def figures(result: CountedResult) -> CutVoteFigures:
    """Return only the votes of a candidate."""
    return CutVoteFigures(result.gross, result.held, result.void, result.net)


def _all_figures(document: CutDocument) -> dict[int, CutVoteFigures]:
    return {r.number: figures(r) for r in document.counted}


def correction(before: bytes, after: CutDocument, reason: Text) -> Correction:
    """Return what `after` changes in the published file `before`."""
    old = read_document(before)
    was, now = _all_figures(old), _all_figures(after)
    none = CutVoteFigures(0, 0, 0, 0)
    return Correction(
        version=old.version,
        document_sha256=sha256(before).hexdigest(),
        reason=reason,
        ballots=old.ballots,
        votes=tuple(
            ChangedVotes(number, was.get(number, none), now[number])
            for number in sorted(now)
            if was.get(number, none) != now[number]
        ),
        entered=tuple(sorted(set(after.selected) - set(old.selected))),
        left=tuple(sorted(set(old.selected) - set(after.selected))),
    )


def same_result(before: CutDocument, after: CutDocument) -> bool:
    """Return whether two versions have the same content, apart from version and corrections."""
    return before == msgspec.structs.replace(
        after, version=before.version, corrects=before.corrects
    )


def check_predecessor(document: CutDocument, before: bytes) -> None:
    """Check that `document` corrects exactly the file `before`, as it states. Raises
    InvalidInput."""
    if not document.corrects:
        raise InvalidInput(Fault("document.corrects", "voting.cut.corrects_nothing"))
    stated = document.corrects[0]
    if sha256(before).hexdigest() != stated.document_sha256:
        raise InvalidInput(
            Fault("document.corrects", "voting.cut.wrong_previous_file", version=stated.version)
        )
    if correction(before, document, stated.reason) != stated:
        raise InvalidInput(Fault("document.corrects", "voting.cut.wrong_changes"))


def correction_faults(document: CutDocument) -> list[Fault]:
    """Return the faults of the correction that the document alone reveals."""
    expected = 0 if document.version == 1 else 1
    if len(document.corrects) != expected:
        return [
            Fault(
                "document.corrects",
                "voting.cut.wrong_number_of_corrections",
                version=document.version,
                expected=expected,
            )
        ]
    return [
        Fault("document.corrects", f"voting.cut.{code}", **params)
        for stated in document.corrects
        for code, params in _contradictions(document, stated)
    ]


def _contradictions(
    document: CutDocument, stated: Correction
) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield the code and parameters of everything that cannot be true of a correction."""
    if stated.version != document.version - 1:
        yield "correction_of_other_version", {}
    if not _SHA256.fullmatch(stated.document_sha256):
        yield "correction_sha256_malformed", {}
    if not (stated.reason.zh and stated.reason.en):
        yield "correction_without_reason", {}
    now = _all_figures(document)
    numbers = [row.number for row in stated.votes]
    if numbers != sorted(set(numbers)):
        yield "correction_candidates_unordered", {}
    for row in stated.votes:
        if row.after != now.get(row.number) or row.before == row.after:
            yield "correction_votes_unchanged", {"number": row.number}
    for was in (stated.ballots, *(row.before for row in stated.votes)):
        if min(was.gross, was.void, was.net) < 0 or was.held or was.gross != was.void + was.net:
            yield "correction_figures_impossible", {}
    entered, left, selected = set(stated.entered), set(stated.left), set(document.selected)
    if list(stated.entered) != sorted(entered) or list(stated.left) != sorted(left):
        yield "correction_names_unordered", {}
    if not entered <= selected or left & selected or not left <= now.keys():
        yield "correction_names_wrong", {}
        return
    # Who has withdrawn since was selected before, or would not have changed the selection.
    gone = {result.number for result in document.withdrawn} - left
    net = {number: count.net for number, count in now.items() if number not in gone}
    net |= {row.number: row.before.net for row in stated.votes if row.number in net}
    if not _could_advance(net, (selected - entered) | left, document.contest.cut):
        yield "correction_selection_impossible", {}


def _could_advance(net: dict[int, int], selected: Collection[int], rules: CutRules) -> bool:
    """Return whether the announced rules can have selected them; how a tie was decided is
    unknown."""
    if rules.tie == "advance_all":
        return set(selected) == set(select(ranked(net), rules.size, rules.tie, None).numbers)
    outside = [votes for number, votes in net.items() if number not in selected]
    inside = [votes for number, votes in net.items() if number in selected]
    fits = len(inside) == min(rules.size, len(net))
    return fits and (not outside or min(inside) >= max(outside))
