"""A new version of the cut names what it changes in the one before. Pure.

Whoever has both files can work the correction out again (`check_predecessor`); with the new one
alone, what it says of the old one must at least be possible (`correction_faults`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from hashlib import sha256

import msgspec

from voting_service.contests.model import CutRules, Text
from voting_service.cut.document import (
    CandidateResult,
    ChangedVotes,
    Correction,
    CutDocument,
    Figures,
)
from voting_service.cut.ranking import ranked
from voting_service.cut.tie_rule import select
from voting_service.errors import Fault, InvalidInput
from voting_service.storage.signed_file import read_signed_file

_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_document(data: bytes) -> CutDocument:
    """The document of a published file, unchecked. Raises InvalidInput when it is none."""
    try:
        return msgspec.convert(read_signed_file(data).document, CutDocument)
    except msgspec.ValidationError as error:
        raise InvalidInput(Fault("document", str(error))) from None


def figures(result: CandidateResult) -> Figures:
    """The votes of a candidate alone."""
    return Figures(result.gross, result.held, result.void, result.net)


def correction(before: bytes, after: CutDocument, reason: Text) -> Correction:
    """What `after` changes in the published file `before`."""
    old = read_document(before)
    was = {result.number: figures(result) for result in old.candidates}
    now = {result.number: figures(result) for result in after.candidates}
    none = Figures(0, 0, 0, 0)
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
    """Whether they say the same, numbers of versions and corrections apart."""
    return before == msgspec.structs.replace(
        after, version=before.version, corrects=before.corrects
    )


def check_predecessor(document: CutDocument, before: bytes) -> None:
    """Raises InvalidInput unless `document` corrects exactly the file `before`, as it says."""
    if not document.corrects:
        raise InvalidInput(Fault("document.corrects", "this version corrects none"))
    stated = document.corrects[0]
    if sha256(before).hexdigest() != stated.document_sha256:
        raise InvalidInput(
            Fault("document.corrects", f"the file given is not version {stated.version} of it")
        )
    if correction(before, document, stated.reason) != stated:
        raise InvalidInput(
            Fault("document.corrects", "does not name what changed since the version before")
        )


def correction_faults(document: CutDocument) -> list[Fault]:
    """What cannot be true of the correction, from the document alone."""
    expected = 0 if document.version == 1 else 1
    if len(document.corrects) != expected:
        return [Fault("document.corrects", f"version {document.version} needs {expected} of them")]
    return [
        Fault("document.corrects", message)
        for stated in document.corrects
        for message in _contradictions(document, stated)
    ]


def _contradictions(document: CutDocument, stated: Correction) -> Iterator[str]:
    if stated.version != document.version - 1:
        yield "must be of the version before"
    if not _SHA256.fullmatch(stated.document_sha256):
        yield "document_sha256 is no SHA-256"
    if not (stated.reason.zh and stated.reason.en):
        yield "says no reason"
    now = {result.number: figures(result) for result in document.candidates}
    numbers = [row.number for row in stated.votes]
    if numbers != sorted(set(numbers)):
        yield "candidates must be ascending, each once"
    for row in stated.votes:
        if row.after != now.get(row.number) or row.before == row.after:
            yield f"the votes of {row.number} did not change as it says"
    for was in (stated.ballots, *(row.before for row in stated.votes)):
        if min(was.gross, was.void, was.net) < 0 or was.held or was.gross != was.void + was.net:
            yield "figures of the version before cannot be"
    entered, left, selected = set(stated.entered), set(stated.left), set(document.selected)
    if list(stated.entered) != sorted(entered) or list(stated.left) != sorted(left):
        yield "who entered and who left must be ascending, each once"
    if not entered <= selected or left & selected or not left <= now.keys():
        yield "who entered must be selected, who left must not"
        return
    net = {number: count.net for number, count in now.items()}
    net |= {row.number: row.before.net for row in stated.votes if row.number in net}
    if not _could_go_on(net, (selected - entered) | left, document.contest.cut):
        yield "with the votes before, others would have gone on"


def _could_go_on(net: dict[int, int], selected: Collection[int], rules: CutRules) -> bool:
    """Whether the announced rules can have selected them; how a tie was decided is not known."""
    if rules.tie == "advance_all":
        return set(selected) == set(select(ranked(net), rules.size, rules.tie, None).numbers)
    outside = [votes for number, votes in net.items() if number not in selected]
    inside = [votes for number, votes in net.items() if number in selected]
    fits = len(inside) == min(rules.size, len(net))
    return fits and (not outside or min(inside) >= max(outside))
