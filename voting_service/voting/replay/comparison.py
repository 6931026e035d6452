"""Compare published versions with the archive, and every ruling with its approval request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.canonical_json import canonical, digest
from voting_service.infrastructure.crypto.signed_document import check_signature, read_signed_file
from voting_service.infrastructure.postgres.database_clock import MAX_OFFSET_SECONDS
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.voting.cut.correction import correction
from voting_service.voting.cut.document import (
    CountedVotes,
    CutDocument,
    CutVoteFigures,
    build_document,
    contest_facts,
    withdrawal_facts,
)
from voting_service.voting.cut.ranking import ranked, tie_at_line
from voting_service.voting.cut.tie_decisions import decided_tie
from voting_service.voting.replay import archive
from voting_service.voting.replay.archive import PublicationPart, RulingPart
from voting_service.voting.replay.counting import (
    ReplayedCount,
    Totals,
    count_ballots,
    in_force,
)
from voting_service.voting.replay.reader import (
    ArchiveContents,
    ArchiveReader,
    open_archive,
)


class Replayed(NamedTuple):
    """The result: `now` counts under the final rulings; `same` are the versions reproduced byte for
    byte; `faults` is everything that differs."""

    contest: ArchiveContents
    now: Totals
    ballots: int
    same: tuple[int, ...]
    faults: tuple[Fault, ...]


def replay(path: Path, key: Ed25519PublicKey | None = None) -> Replayed:
    """Recount an archive and compare. With `key`, published documents must be signed with it.

    Raises InvalidInput for a file that is not a readable archive.
    """
    with open_archive(path) as reader:
        contents = reader.contents()
        situations = [
            *(
                in_force(_rulings_at(contents, publication))
                for publication in contents.publications
            ),
            in_force(contents.rulings),
        ]
        counted = count_ballots(reader, contents.contest, situations)
        faults = [
            *counted.faults,
            *_manifest_faults(reader),
            *_decision_faults(contents),
            *_hold_faults(contents, counted),
            *_ruling_faults(contents),
            *_withdrawal_faults(contents),
            *_correction_faults(contents),
        ]
    same = []
    for place, publication in enumerate(contents.publications):
        publication_faults = _publication_faults(contents, place, counted.totals[place], key)
        faults += publication_faults
        if not publication_faults:
            same.append(publication.version)
    return Replayed(contents, counted.totals[-1], counted.ballots, tuple(same), tuple(faults))


def _decision(contents: ArchiveContents, decision_id: int) -> ApprovalRequest | None:
    return next((d for d in contents.decisions if d.id == decision_id), None)


def _rulings_at(contents: ArchiveContents, publication: PublicationPart) -> Sequence[RulingPart]:
    """Return the rulings in force when a version was proposed: its request has their number."""
    decision = _decision(contents, publication.decision_id)
    stood = decision.payload.get("rulings", 0) if decision else 0
    return contents.rulings[: stood if isinstance(stood, int) else 0]


def _manifest_faults(reader: ArchiveReader) -> Iterator[Fault]:
    manifest = reader.json(archive.MANIFEST, dict[str, str])
    read = {name: value for name, value in reader.hashes.items() if name != archive.MANIFEST}
    for name in sorted(manifest.keys() | read.keys()):
        if name not in read:
            yield Fault(name, "voting.replay.unknown_member")
        elif manifest.get(name) != read[name]:
            yield Fault(name, "voting.replay.member_changed")
    for name in reader.unread():
        if name not in manifest:
            yield Fault(name, "voting.replay.not_in_manifest")


def _decision_faults(contents: ArchiveContents) -> Iterator[Fault]:
    for decision in contents.decisions:
        stated = {
            "kind": decision.kind,
            "subject": decision.subject,
            "payload": decision.payload,
        }
        is_whole = not decision.payload.get("before_hidden") or "before" in decision.payload
        if is_whole and digest(stated) != decision.payload_hash:
            yield Fault(f"decision {decision.id}", "voting.replay.request_changed")
        if decision.state == "approved" and decision.approver == decision.proposer:
            yield Fault(f"decision {decision.id}", "voting.replay.approved_by_proposer")


def _hold_faults(contents: ArchiveContents, counted: ReplayedCount) -> Iterator[Fault]:
    holds = {hold.id: hold for hold in contents.holds}
    for number in sorted(counted.hold_sizes.keys() - holds.keys()):
        yield Fault(f"hold {number}", "voting.replay.hold_not_listed")
    for hold in contents.holds:
        if counted.hold_hashes.get(hold.id) != hold.ballots_hash:
            yield Fault(f"hold {hold.id}", "voting.replay.hold_ballots_differ")
        elif counted.hold_sizes.get(hold.id) != hold.ballots:
            yield Fault(f"hold {hold.id}", "voting.replay.hold_size_differs", ballots=hold.ballots)


def _ruling_faults(contents: ArchiveContents) -> Iterator[Fault]:
    """Check that every ruling was approved as it stands, and that no approved ruling is missing."""
    hashes = {hold.id: hold.ballots_hash for hold in contents.holds}
    turns: dict[int, int] = {}
    for ruling in contents.rulings:
        field = f"ruling on hold {ruling.hold_id}, turn {ruling.turn}"
        decision = _decision(contents, ruling.decision_id)
        if decision is None or decision.kind != "ruling" or decision.state != "approved":
            yield Fault(
                field,
                "voting.replay.not_approved",
                approval_id=ruling.decision_id,
            )
            continue
        decided: Mapping[str, Any] = decision.payload
        if (
            decided.get("hold") != ruling.hold_id
            or decided.get("turn") != ruling.turn
            or decision.subject != f"{ruling.hold_id}/{ruling.turn}"
            or decided.get("ballots_hash") != hashes.get(ruling.hold_id)
        ):
            yield Fault(field, "voting.replay.request_about_other_ballots", id=decision.id)
        if decided.get("verdict") != ruling.verdict:
            yield Fault(
                field,
                "voting.replay.verdict_differs",
                verdict=ruling.verdict,
                value=decided.get("verdict"),
            )
        if ruling.turn != turns.get(ruling.hold_id, 0) + 1:
            yield Fault(field, "voting.replay.turn_out_of_order")
        turns[ruling.hold_id] = ruling.turn
    carried_out = {ruling.decision_id for ruling in contents.rulings}
    for decision in contents.decisions:
        if (
            decision.kind == "ruling"
            and decision.state == "approved"
            and decision.id not in carried_out
        ):
            yield Fault(f"decision {decision.id}", "voting.replay.ruling_missing")


def _withdrawal_faults(contents: ArchiveContents) -> Iterator[Fault]:
    """Check that every withdrawal was approved as it stands, and that none is missing."""
    for withdrawal in contents.withdrawals:
        decision = _decision(contents, withdrawal.decision_id)
        stated = {"number": withdrawal.number, "ground": withdrawal.ground}
        if (
            decision is None
            or decision.kind != "withdrawal"
            or decision.state != "approved"
            or decision.payload != {**stated, "reason": msgspec.to_builtins(withdrawal.reason)}
        ):
            yield Fault(
                f"withdrawal {withdrawal.number}",
                "voting.replay.not_approved",
                approval_id=withdrawal.decision_id,
            )
        elif not _followed(decision, withdrawal.withdrawn_at):
            yield Fault(f"withdrawal {withdrawal.number}", "voting.replay.other_moment")
    carried_out = {withdrawal.decision_id for withdrawal in contents.withdrawals}
    for decision in contents.decisions:
        if (decision.kind, decision.state) == ("withdrawal", "approved") and (
            decision.id not in carried_out
        ):
            yield Fault(f"decision {decision.id}", "voting.replay.withdrawal_missing")


def _correction_faults(contents: ArchiveContents) -> Iterator[Fault]:
    """Check that every correction was approved as it stands, and that none is missing."""
    approved = {
        decision.subject: decision
        for decision in contents.decisions
        if (decision.kind, decision.state) == ("profile_correction", "approved")
    }
    for corrected in contents.contest.corrections:
        subject = f"{corrected.number}/{corrected.turn}"
        stated = msgspec.to_builtins(corrected)
        del stated["corrected_at"], stated["turn"]
        if corrected.before_hidden:  # the archive leaves it out of both
            del stated["before"]
        decision = approved.pop(subject, None)
        if decision is None or decision.payload != stated:
            yield Fault(f"correction {subject}", "voting.replay.correction_not_approved")
        elif not _followed(decision, corrected.corrected_at):
            yield Fault(f"correction {subject}", "voting.replay.other_moment")
    for decision in approved.values():
        yield Fault(f"decision {decision.id}", "voting.replay.correction_missing")


def _followed(decision: ApprovalRequest, moment: datetime) -> bool:
    """Return whether a moment of the database follows an approval, which has that of a worker:
    its clock may differ a little, and storing it takes seconds."""
    if decision.approved_at is None:
        return False
    apart = timedelta(seconds=MAX_OFFSET_SECONDS)
    return -apart <= moment - decision.approved_at <= timedelta(minutes=1)


def _publication_faults(
    contents: ArchiveContents, place: int, totals: Totals, key: Ed25519PublicKey | None
) -> list[Fault]:
    publication = contents.publications[place]
    field = f"version {publication.version}"
    data = contents.documents[publication.version]
    faults = list(_approval_faults(contents, publication, data))
    try:
        file = read_signed_file(data)
        check_signature(file, key)
        expected = _document(contents, place, totals).builtins()
    except (InvalidInput, Refused) as error:
        return [*faults, Fault.verbatim(field, str(error))]
    again = canonical({"document": expected, "signature": msgspec.to_builtins(file.signature)})
    if again != data:
        faults += _differences(field, file.document, expected)
    return faults


def _approval_faults(
    contents: ArchiveContents, publication: PublicationPart, data: bytes
) -> Iterator[Fault]:
    field = f"version {publication.version}"
    hashed = sha256(data).hexdigest()
    decision = _decision(contents, publication.decision_id)
    if decision is None or decision.kind != "publication" or decision.state != "approved":
        yield Fault(
            field,
            "voting.replay.not_approved",
            approval_id=publication.decision_id,
        )
    elif decision.payload.get("document_sha256") != hashed or decision.subject != str(
        publication.version
    ):
        yield Fault(field, "voting.replay.other_document", id=decision.id)
    if publication.document_sha256 != hashed:
        yield Fault(
            field, "voting.replay.publication_sha256_differs", publications=archive.PUBLICATIONS
        )


def _document(contents: ArchiveContents, place: int, totals: Totals) -> CutDocument:
    """Return the document recomputed from the archive. Raises Refused."""
    publication = contents.publications[place]
    contest = contents.contest
    approval = _decision(contents, publication.decision_id)
    stood = approval.payload.get("withdrawals", 0) if approval else 0
    counted = CountedVotes(
        {candidate.number: candidate.name for candidate in contest.candidates},
        totals.candidates(contest.numbers),
        totals.ballots,
        withdrawal_facts(contents.withdrawals[: stood if isinstance(stood, int) else 0]),
    )
    existing = [
        decision
        for decision in contents.decisions
        if decision.approved_at is None or decision.approved_at <= publication.published_at
    ]
    size = contest.rules.cut.size
    tie = tie_at_line(ranked(counted.standing()), size)
    document = build_document(
        contest_facts(contest),
        counted,
        decided_tie(existing, tie),
        version=publication.version,
    )
    reason = approval.payload.get("reason") if approval else None
    if place == 0 or reason is None:
        return document
    before = contents.documents[contents.publications[place - 1].version]
    corrects = (correction(before, document, msgspec.convert(reason, Text)),)
    return msgspec.structs.replace(document, corrects=corrects)


def _differences(
    field: str, published: Mapping[str, Any], expected: Mapping[str, Any]
) -> Iterator[Fault]:
    """Yield a fault for every difference; candidates one by one."""
    theirs = {row["number"]: row for row in published.get("candidates", ())}
    ours = {row["number"]: row for row in expected["candidates"]}
    for number in sorted(theirs.keys() | ours.keys()):
        if theirs.get(number) != ours.get(number):
            yield Fault(
                field,
                "voting.replay.candidate_differs",
                number=number,
                published=_figures(theirs.get(number)),
                expected=_figures(ours.get(number)),
            )
    if published.get("ballots") != expected["ballots"]:
        yield Fault(
            field,
            "voting.replay.ballots_differ",
            published=_figures(published.get("ballots")),
            expected=_figures(expected["ballots"]),
        )
    for part in sorted((published.keys() | expected.keys()) - {"candidates", "ballots"}):
        if published.get(part) != expected.get(part):
            yield Fault(field, "voting.replay.part_differs", part=part)
    if published == expected:
        yield Fault(field, "voting.replay.not_canonical")


def _figures(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "nothing"
    counts = ", ".join(f"{name} {row.get(name)}" for name in CutVoteFigures.__struct_fields__)
    place = f", rank {row['rank']}, selected {row['selected']}" if "rank" in row else ""
    name = f" ({row['name']['zh']})" if "name" in row else ""
    return counts + place + name
