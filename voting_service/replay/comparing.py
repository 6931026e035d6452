"""What was published against what the archive gives, and every ruling against its decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from voting_service.contests.model import Text
from voting_service.cut.correction import correction
from voting_service.cut.document import CutDocument, Figures, build_document, contest_facts
from voting_service.cut.ranking import ranked, tie_at_line
from voting_service.cut.tie_decisions import decided_tie
from voting_service.decisions.model import Decision
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.replay import archive
from voting_service.replay.archive import PublicationPart, RulingPart
from voting_service.replay.counting import Counted, Totals, count_ballots, in_force
from voting_service.replay.reading import ArchiveReader, Small, open_archive
from voting_service.storage.canonical import canonical, digest
from voting_service.storage.signed_file import check_signature, read_signed_file


class Replayed(NamedTuple):
    """`now` counts under the rulings that stand at the end; `same` are the versions that came
    out byte for byte; `faults` everything that does not agree."""

    contest: Small
    now: Totals
    ballots: int
    same: tuple[int, ...]
    faults: tuple[Fault, ...]


def replay(path: Path, key: Ed25519PublicKey | None = None) -> Replayed:
    """Counts everything in the archive again and compares. With `key`, published documents must
    be signed by it. Raises InvalidInput for a file that cannot be read as an archive."""
    with open_archive(path) as reader:
        small = reader.small()
        situations = [
            *(in_force(_rulings_at(small, one)) for one in small.publications),
            in_force(small.rulings),
        ]
        counted = count_ballots(reader, small.contest, situations)
        faults = [
            *counted.faults,
            *_manifest_faults(reader),
            *_decision_faults(small),
            *_hold_faults(small, counted),
            *_ruling_faults(small),
        ]
    same = []
    for place, publication in enumerate(small.publications):
        found = _publication_faults(small, place, counted.totals[place], key)
        faults += found
        if not found:
            same.append(publication.version)
    return Replayed(small, counted.totals[-1], counted.ballots, tuple(same), tuple(faults))


def _decision(small: Small, decision_id: int) -> Decision | None:
    return next((d for d in small.decisions if d.id == decision_id), None)


def _rulings_at(small: Small, publication: PublicationPart) -> Sequence[RulingPart]:
    """Those that stood when a version was made: its decision says how many."""
    decision = _decision(small, publication.decision_id)
    stood = decision.payload.get("rulings", 0) if decision else 0
    return small.rulings[: stood if isinstance(stood, int) else 0]


def _manifest_faults(reader: ArchiveReader) -> Iterator[Fault]:
    manifest = reader.json(archive.MANIFEST, dict[str, str])
    read = {name: value for name, value in reader.hashes.items() if name != archive.MANIFEST}
    for name in sorted(manifest.keys() | read.keys()):
        if name not in read:
            yield Fault(name, "is in the manifest, but is nothing the replay knows")
        elif manifest.get(name) != read[name]:
            yield Fault(name, "is not what was exported: its SHA-256 differs from the manifest")
    for name in reader.unread():
        if name not in manifest:
            yield Fault(name, "is in the archive, but nobody put it into the manifest")


def _decision_faults(small: Small) -> Iterator[Fault]:
    for decision in small.decisions:
        stated = {
            "kind": decision.kind,
            "subject": decision.subject,
            "payload": decision.payload,
        }
        if digest(stated) != decision.payload_hash:
            yield Fault(f"decision {decision.id}", "is not what was proposed: its hash differs")
        if decision.state == "approved" and decision.approver == decision.proposer:
            yield Fault(f"decision {decision.id}", "was approved by the person who proposed it")


def _hold_faults(small: Small, counted: Counted) -> Iterator[Fault]:
    known = {hold.id: hold for hold in small.holds}
    for number in sorted(counted.hold_sizes.keys() - known.keys()):
        yield Fault(f"hold {number}", "has ballots, but is not listed")
    for hold in small.holds:
        if counted.hold_hashes.get(hold.id) != hold.ballots_hash:
            yield Fault(f"hold {hold.id}", "its ballots are not those that were put in question")
        elif counted.hold_sizes.get(hold.id) != hold.ballots:
            yield Fault(f"hold {hold.id}", f"does not have {hold.ballots} ballots")


def _ruling_faults(small: Small) -> Iterator[Fault]:
    """Every ruling is what two people decided, and everything they decided is there."""
    hashes = {hold.id: hold.ballots_hash for hold in small.holds}
    turns: dict[int, int] = {}
    for ruling in small.rulings:
        field = f"ruling on hold {ruling.hold_id}, turn {ruling.turn}"
        decision = _decision(small, ruling.decision_id)
        if decision is None or decision.kind != "ruling" or decision.state != "approved":
            yield Fault(field, f"no two people decided it: decision {ruling.decision_id}")
            continue
        decided: Mapping[str, Any] = decision.payload
        if (
            decided.get("hold") != ruling.hold_id
            or decided.get("turn") != ruling.turn
            or decision.subject != f"{ruling.hold_id}/{ruling.turn}"
            or decided.get("ballots_hash") != hashes.get(ruling.hold_id)
        ):
            yield Fault(field, f"decision {decision.id} is about other ballots")
        if decided.get("verdict") != ruling.verdict:
            yield Fault(
                field, f"says {ruling.verdict}, two people decided {decided.get('verdict')}"
            )
        if ruling.turn != turns.get(ruling.hold_id, 0) + 1:
            yield Fault(field, "a ruling before it is missing, or they are out of order")
        turns[ruling.hold_id] = ruling.turn
    carried_out = {ruling.decision_id for ruling in small.rulings}
    for decision in small.decisions:
        if (
            decision.kind == "ruling"
            and decision.state == "approved"
            and decision.id not in carried_out
        ):
            yield Fault(f"decision {decision.id}", "two people ruled, but the ruling is missing")


def _publication_faults(
    small: Small, place: int, totals: Totals, key: Ed25519PublicKey | None
) -> list[Fault]:
    publication = small.publications[place]
    field = f"version {publication.version}"
    data = small.documents[publication.version]
    faults = list(_approval_faults(small, publication, data))
    try:
        file = read_signed_file(data)
        check_signature(file, key)
        expected = _document(small, place, totals).builtins()
    except (InvalidInput, Refused) as error:
        return [*faults, Fault(field, str(error))]
    again = canonical({"document": expected, "signature": msgspec.to_builtins(file.signature)})
    if again != data:
        faults += [Fault(field, text) for text in _differences(file.document, expected)]
    return faults


def _approval_faults(small: Small, publication: PublicationPart, data: bytes) -> Iterator[Fault]:
    field = f"version {publication.version}"
    hashed = sha256(data).hexdigest()
    decision = _decision(small, publication.decision_id)
    if decision is None or decision.kind != "publication" or decision.state != "approved":
        yield Fault(field, f"no two people decided it: decision {publication.decision_id}")
    elif decision.payload.get("document_sha256") != hashed or decision.subject != str(
        publication.version
    ):
        yield Fault(field, f"is not the document of decision {decision.id}")
    if publication.document_sha256 != hashed:
        yield Fault(field, f"its SHA-256 is not that of {archive.PUBLICATIONS}")


def _document(small: Small, place: int, totals: Totals) -> CutDocument:
    """The document as archive and rules give it. Raises Refused."""
    publication = small.publications[place]
    contest = small.contest
    counts = totals.candidates(contest.numbers)
    known = [
        decision
        for decision in small.decisions
        if decision.approved_at is None or decision.approved_at <= publication.published_at
    ]
    size = contest.rules.cut.size
    tie = tie_at_line(ranked({number: count.net for number, count in counts.items()}), size)
    document = build_document(
        contest_facts(contest),
        {candidate.number: candidate.name for candidate in contest.candidates},
        counts,
        totals.ballots,
        decided_tie(known, tie),
        version=publication.version,
    )
    decision = _decision(small, publication.decision_id)
    reason = decision.payload.get("reason") if decision else None
    if place == 0 or reason is None:
        return document
    before = small.documents[small.publications[place - 1].version]
    corrects = (correction(before, document, msgspec.convert(reason, Text)),)
    return msgspec.structs.replace(document, corrects=corrects)


def _differences(published: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    """Where they differ, in words; candidates one by one."""
    theirs = {row["number"]: row for row in published.get("candidates", ())}
    ours = {row["number"]: row for row in expected["candidates"]}
    for number in sorted(theirs.keys() | ours.keys()):
        if theirs.get(number) != ours.get(number):
            yield (
                f"candidate {number}: published {_figures(theirs.get(number))}, "
                f"the archive gives {_figures(ours.get(number))}"
            )
    if published.get("ballots") != expected["ballots"]:
        yield (
            f"ballots: published {_figures(published.get('ballots'))}, "
            f"the archive gives {_figures(expected['ballots'])}"
        )
    for part in sorted((published.keys() | expected.keys()) - {"candidates", "ballots"}):
        if published.get(part) != expected.get(part):
            yield f"{part}: published differs from what the archive gives"
    if published == expected:
        yield "the file is not in its canonical form"


def _figures(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "nothing"
    counts = ", ".join(f"{name} {row.get(name)}" for name in Figures.__struct_fields__)
    place = f", rank {row['rank']}, selected {row['selected']}" if "rank" in row else ""
    name = f" ({row['name']['zh']})" if "name" in row else ""
    return counts + place + name
