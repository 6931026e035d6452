"""The whole verification: every check of docs/public-log-format.md in its order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from voting_service.errors import InvalidInput
from voting_service.i18n.text import Text
from voting_service.infrastructure.transparency_log.sources import LogSource
from voting_service.voting.cut.signature import VerifiedCut
from voting_service.voting.public_log.entries import (
    AnyEntry,
    CorrectionEntry,
    OpenEntry,
    Statement,
    WithdrawalEntry,
    written,
)
from voting_service.voting.public_log.verification import entry_rules
from voting_service.voting.public_log.verification.ballots import check_ballots, tags_path
from voting_service.voting.public_log.verification.contents import LogContents, read_entries
from voting_service.voting.public_log.verification.documents import (
    check_announced,
    check_documents,
    document_path,
    read_document,
)
from voting_service.voting.public_log.verification.faults import note
from voting_service.voting.public_log.verification.openings import CountTotals, check_openings
from voting_service.voting.public_log.verification.receipts import check_receipt
from voting_service.voting.public_log.verification.report import Report
from voting_service.voting.public_log.verification.result import (
    check_contest,
    check_figures,
    check_file,
    check_same_key,
)
from voting_service.voting.public_log.verification.tree import (
    LogHead,
    check_older,
    check_strangers,
    check_witnesses,
    read_head,
    read_tree,
    read_witness_keys,
)

Progress = Callable[[int, int], None]
"""Is called with how many bundles are checked, of how many."""


class ReaderEvidence(NamedTuple):
    """What the reader has besides the log: an older checkpoint, witnesses' keys that must have
    signed, a durable receipt, and the key that the result must be signed with."""

    older: bytes | None = None
    witnesses: tuple[str, ...] = ()
    receipt: bytes | None = None
    result_key: Ed25519PublicKey | None = None
    allow_unwitnessed: bool = False


NOTHING_ELSE = ReaderEvidence()


def verify_log(
    source: LogSource,
    evidence: ReaderEvidence = NOTHING_ELSE,
    progress: Progress = lambda _done, _all: None,
) -> Report:
    """Check a whole log. Raises Unavailable where files cannot be read."""
    report = Report()
    try:
        log = verify_tree(source, evidence, report)
        verify_entries(log, report)
        verify_ballots(log, source, report, progress)
        verify_documents(log, source, report)
        verify_sums(log, source, evidence, report)
        size = len(log.entries)
        named = [*map(tags_path, log.bundles), *map(document_path, log.documents)]
        report.add(check_strangers(source, size, named))
    except InvalidInput as error:
        report.add(error.faults)
    return report


def verify_tree(source: LogSource, evidence: ReaderEvidence, report: Report) -> LogContents:
    """Checks 1 and 2, and whether entry 0 opens the log. Raises InvalidInput where nothing further
    can be checked."""
    head = read_head(source)
    size, key = head.checkpoint.size, head.key
    report.show("log", origin=key.name, size=f"{size:,}", key=key.text)
    tree = read_tree(source, head.checkpoint)
    report.show("tree", root=head.checkpoint.root.hex())
    entries = read_entries(tree.entries)
    opened = _open(entries, head, report)
    moments, faults = check_witnesses(
        head,
        read_witness_keys(opened.witnesses),
        read_witness_keys(evidence.witnesses),
        allow_unwitnessed=evidence.allow_unwitnessed,
    )
    for name, unix_seconds in moments.items():
        report.show("witness", name=name, moment=_moment(unix_seconds))
    report.add(faults)
    if evidence.older is not None:
        older = check_older(evidence.older, head, tree)
        report.show("older", size=f"{older.size:,}")
    if evidence.receipt is not None:
        named = read_witness_keys(opened.witnesses)
        receipt, faults = check_receipt(evidence.receipt, head, tree, named)
        if report.add(faults):
            report.show(
                "receipt",
                tag=receipt.proof.tag,
                number=receipt.bundle.bundle,
                place=f"{receipt.place:,}",
            )
    return LogContents(entries)


def _open(entries: list[AnyEntry], head: LogHead, report: Report) -> OpenEntry:
    faults = entry_rules.check_first(entries, head.key) + entry_rules.check_forms(entries)
    if not report.add(faults):
        raise InvalidInput
    first = entries[0]
    assert isinstance(first, OpenEntry)
    return first


def _moment(unix_seconds: int) -> str:
    try:
        return written(datetime.fromtimestamp(unix_seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return str(unix_seconds)


def verify_entries(log: LogContents, report: Report) -> None:
    """Check 3. Raises InvalidInput where numbers are wrong by which the other checks go."""
    if not report.add([*entry_rules.check_numbering(log), *entry_rules.check_replacements(log)]):
        raise InvalidInput
    checks = (
        entry_rules.check_moments,
        entry_rules.check_bundle_sizes,
        entry_rules.check_rulings,
        entry_rules.check_order,
        entry_rules.check_candidates,
        entry_rules.check_statements,
        entry_rules.check_coverage,
        entry_rules.check_close,
    )
    faults = [broken for check in checks for broken in check(log)]
    if report.add(faults):
        report.show(
            "entries",
            bundles=f"{len(log.bundles):,}",
            replaced=f"{len(log.bundles) - len(log.counting):,}",
            rulings=f"{len(log.rulings):,}",
            corrections=f"{len(list(log.every(CorrectionEntry))):,}",
            withdrawals=f"{len(list(log.every(WithdrawalEntry))):,}",
            statements=f"{len(list(log.every(Statement))):,}",
        )


def verify_ballots(log: LogContents, source: LogSource, report: Report, progress: Progress) -> None:
    """Check 4, of the tags."""
    is_right = True
    for done, faults in enumerate(check_ballots(log, source)):
        is_right &= report.add(faults)
        progress(min(done + 1, len(log.bundles)), len(log.bundles))
    if is_right:
        ballots = sum(bundle.ballots for bundle in log.counting.values())
        report.show("ballots", ballots=f"{ballots:,}", bundles=f"{len(log.counting):,}")


def verify_documents(log: LogContents, source: LogSource, report: Report) -> None:
    """Check 4, of the documents. Raises InvalidInput where one does not have its hash."""
    faults = [broken for faults in check_documents(log, source) for broken in faults]
    if not report.add(faults):
        raise InvalidInput
    if report.add(check_announced(log, source)):
        report.show("documents", count=f"{len(log.documents):,}")


def verify_sums(
    log: LogContents, source: LogSource, evidence: ReaderEvidence, report: Report
) -> None:
    """Checks 5 and 6. Raises InvalidInput where they cannot go on."""
    if log.close is None:
        report.show("not_closed")
        return
    report.show("close", closes_at=log.close.closes_at, ballots=f"{log.close.ballots:,}")
    if not log.openings:
        report.show("not_opened")
    counts: list[tuple[int, CountTotals]] = []
    for place, openings in log.openings:
        opened, faults = check_openings(log, openings, source)
        if not report.add(faults):
            raise InvalidInput
        counts.append((place, opened))
    if counts:
        newest = counts[-1][1]
        report.show(
            "openings",
            ballots=f"{newest.gross.ballots:,}",
            void=f"{newest.void.ballots:,}",
            rulings=log.openings[-1][1].rulings,
        )
        _verify_results(log, source, evidence, counts, report)


def _verify_results(
    log: LogContents,
    source: LogSource,
    evidence: ReaderEvidence,
    counts: list[tuple[int, CountTotals]],
    report: Report,
) -> None:
    if not log.cuts:
        report.show("no_result")
        return
    before: bytes | None = None
    verified: list[VerifiedCut] = []
    is_right = True
    for index, (place, entry) in enumerate(log.cuts):
        data = read_document(source, entry.document)
        version = check_file(entry, data, before, evidence.result_key)
        faults = check_contest(log, place, version.document, source)
        opened = [opening for opening in counts if opening[0] < place]
        following = log.cuts[index + 1][0] if log.cuts[index + 1 :] else None
        is_last = following is None or any(place < at < following for at, _ in counts)
        if opened and is_last:
            faults += check_figures(log, version.document, opened[-1][1])
        is_right &= report.add(faults)
        before = data
        verified.append(version)
    if report.add(check_same_key(verified)) and is_right:
        _show_result(verified[-1], evidence, report)


def _show_result(newest: VerifiedCut, evidence: ReaderEvidence, report: Report) -> None:
    document = newest.document
    report.show(
        "result",
        version=document.version,
        count=len(document.selected),
        numbers=Text(
            en=", ".join(map(str, document.selected)), zh="、".join(map(str, document.selected))
        ),
    )
    if evidence.result_key is None:
        report.add([note("result_key", key=newest.public_key)])
