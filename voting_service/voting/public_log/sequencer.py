"""Writes the public log of a contest: one transaction takes what is due, gives the entries their
numbers and signs the new checkpoint.

Ballots are taken in the order of (commit_xid, ballot_id), before the transaction floor: below it no
ballot can appear any more, so none is passed over. After the close, when every ballot is stored,
all are taken, and the log closes once their number is that of the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.contests.model import Contest
from voting_service.contests.phases import is_published
from voting_service.contests.repository import load_platforms
from voting_service.errors import Refused
from voting_service.infrastructure.crypto.canonical_json import canonical
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.infrastructure.transparency_log.checkpoints import (
    Checkpoint,
    sign_checkpoint,
)
from voting_service.infrastructure.transparency_log.merkle import hash_leaf
from voting_service.infrastructure.transparency_log.signed_note import VerifierKey, verifier_key
from voting_service.voting.public_log.bundling import USUAL_BALLOTS, plan_bundles
from voting_service.voting.public_log.commitments import (
    BundleBallot,
    BundleContents,
    CommittedCounts,
    bundle_contents,
    commit,
    count_votes,
)
from voting_service.voting.public_log.documents import (
    Document,
    announced_changes,
    candidates_document,
    openings_document,
    rules_document,
)
from voting_service.voting.public_log.entries import (
    Bundle,
    CloseEntry,
    CorrectionEntry,
    Cut,
    LogEntry,
    OpenEntry,
    Openings,
    RulingEntry,
    SettingsEntry,
    WithdrawalEntry,
    written,
)
from voting_service.voting.public_log.repository import (
    BallotKey,
    BundleIds,
    BundleRow,
    LogState,
    Moment,
    NewEntries,
    PublicCut,
    WaitingBallot,
    count_ballots,
    is_close_current,
    load_ballot_counts,
    load_ballots,
    load_bundles,
    load_moment,
    load_new_rulings,
    load_newest_bundle,
    load_newest_openings,
    load_ruling,
    load_shown_cuts,
    load_sources,
    load_voided,
    load_waiting,
    lock_log,
    moved,
    store,
)
from voting_service.voting.public_log.secrets import LogSecrets
from voting_service.voting.tally.repository import checked_floor

PASS_BUNDLES = 20
PASS_BALLOTS = PASS_BUNDLES * USUAL_BALLOTS
"""At most so many ballots are taken in one transaction."""


class LogIdentity(NamedTuple):
    """The key of the logs of a service, the host in their names, and their witnesses."""

    host: str
    key: Ed25519PrivateKey
    witnesses: tuple[VerifierKey, ...] = ()

    def origin(self, slug: str) -> str:
        """Return the name of a contest's log."""
        return f"{self.host}/log/{slug}"

    @property
    def verifier_of_all(self) -> VerifierKey:
        """Return the public key under the name of all logs, for witnesses of all."""
        return verifier_key(f"{self.host}/log", self.key)

    def verifier(self, slug: str) -> VerifierKey:
        """Return the public key of a contest's log."""
        return verifier_key(self.origin(slug), self.key)


class LogSettings(NamedTuple):
    """What a log is written with; `bundle_wait` is how long ballots wait for a bundle that is not
    full."""

    identity: LogIdentity
    secrets: LogSecrets
    bundle_wait: timedelta


class LogProgress(NamedTuple):
    """How far a log is written: whether there is more to write at once, and whether it has every
    ballot."""

    has_more: bool
    is_closed: bool


class LogFault(Refused):
    """The log has other ballots than the record, so it is not closed."""


class LogWriter:
    """Adds entries to a log in memory."""

    def __init__(self, contest: Contest, state: LogState, now: datetime) -> None:
        self.contest = contest
        self.state = state
        self.new = NewEntries()
        self.written_at = max(now, state.written_at)
        self._tree = state.tree()

    @property
    def at(self) -> str:
        """The moment of the new entries."""
        return written(self.written_at)

    @property
    def size(self) -> int:
        return self._tree.size

    def add(self, source: str, entry: LogEntry) -> None:
        """Add an entry."""
        self.new.sources.append(source)
        self.new.contents.append(entry.data)
        self._tree.append(hash_leaf(entry.data))

    def keep(self, document: Document) -> str:
        """Keep a document that an entry names; return its name."""
        self.new.documents.append(document)
        return document.hash

    def finish(self, identity: LogIdentity, position: BallotKey) -> LogState:
        """Return the state with the new entries, the checkpoint signed."""
        checkpoint = Checkpoint(self.state.origin, self._tree.size, self._tree.root())
        note = sign_checkpoint(checkpoint, identity.key)
        return moved(
            self.state,
            self._tree,
            checkpoint=note.data,
            written_at=self.written_at,
            position=position,
        )


async def write_log(
    connection: AnyConnection,
    contest: Contest,
    sequencing: LogSettings,
    complete_before: datetime | None = None,
) -> LogProgress:
    """Write what is due into the log of a contest, up to PASS_BALLOTS. `complete_before` is the
    moment before which every ballot is stored, where it is logged.

    Raises TallyOfAnotherCluster until the tally of a restored database is taken over, LogFault,
    and Refused where the log has another name.
    """
    with domain_errors():
        moment = await load_moment(connection)
        if not is_published(contest, moment.now):
            return LogProgress(has_more=False, is_closed=False)
        async with connection.transaction():
            await checked_floor(connection, contest.id)
            origin = sequencing.identity.origin(contest.slug)
            state = await lock_log(connection, contest.id, origin, moment.now)
            moment = await load_moment(connection)  # after the lock: others have written
            writer = LogWriter(contest, state, moment.now)
            await _announce(connection, writer, sequencing.identity)
            await _add_rulings(connection, writer, sequencing.secrets)
            position, has_more = state.position, False
            if not state.is_closed:
                is_complete = complete_before is not None and complete_before >= contest.closes_at
                if is_complete and not await is_close_current(connection, contest):
                    return LogProgress(has_more=False, is_closed=False)
                taking = _Taking(sequencing, moment, is_complete=is_complete)
                position, has_more = await _take_ballots(connection, writer, taking)
            else:
                # A cut names rulings by what is stored of them: those of now come first.
                has_rulings = bool(writer.new.rulings)
                cuts = await load_shown_cuts(connection, contest.id, moment.now)
                for cut in [] if has_rulings else cuts[:1]:
                    await _add_cut(connection, writer, sequencing.secrets, cut)
                has_more = len(cuts) > (0 if has_rulings else 1)
            after = writer.finish(sequencing.identity, position)
            if writer.new.contents or after.position != state.position:
                await store(connection, contest, state, after, writer.new)
    return LogProgress(has_more, after.is_closed)


async def _announce(connection: AnyConnection, writer: LogWriter, identity: LogIdentity) -> None:
    """Add what was announced of the contest since the last time."""
    contest, state = writer.contest, writer.state
    rules = rules_document(contest, await load_platforms(connection))
    opens_at, closes_at = written(contest.opens_at), written(contest.closes_at)
    if not state.size:
        opening = OpenEntry(
            at=writer.at,
            contest=contest.slug,
            rules=writer.keep(rules),
            candidates=writer.keep(candidates_document(contest)),
            numbers=tuple(sorted(contest.numbers)),
            max_choices=contest.rules.ballot.max_choices,
            cut_size=contest.rules.cut.size,
            key=identity.verifier(contest.slug).text,
            witnesses=tuple(witness.text for witness in identity.witnesses),
            opens_at=opens_at,
            closes_at=closes_at,
        )
        writer.add("open", opening)
    elif rules.hash != state.rules and not state.is_closed:
        document = writer.keep(rules)
        entry = SettingsEntry(
            at=writer.at,
            rules=document,
            opens_at=opens_at,
            closes_at=closes_at,
            max_choices=contest.rules.ballot.max_choices,
            cut_size=contest.rules.cut.size,
        )
        writer.add(f"settings {writer.size}", entry)
    if not state.is_closed:
        writer.state = replace(state, rules=rules.hash)
    changes = announced_changes(contest)
    logged = await load_sources(connection, contest.id, [change.source for change in changes])
    for change in changes:
        if change.source in logged:
            continue
        kind = WithdrawalEntry if change.source.startswith("withdrawal") else CorrectionEntry
        document = writer.keep(change.document)
        writer.add(change.source, kind(at=writer.at, number=change.number, document=document))


async def _add_rulings(connection: AnyConnection, writer: LogWriter, secrets: LogSecrets) -> None:
    contest = writer.contest
    rulings = await load_new_rulings(connection, contest.id)
    if not rulings:
        return
    last = await load_ruling(connection, contest.id)
    number = last.number if last else 0
    numbers = contest.numbers
    void = read_counts(last.value) if last else count_votes(numbers, 0, {})
    for ruling in rulings:
        number += 1
        voided = await load_voided(connection, contest.id, ruling.approval_id)
        void = void.plus(count_votes(numbers, ruling.voided, voided))
        value = canonical(msgspec.to_builtins(void))
        writer.new.rulings.append((number, ruling.approval_id, value))
        writer.add(
            f"ruling {ruling.approval_id}",
            RulingEntry(
                at=writer.at,
                ruling=number,
                verdict=ruling.verdict,
                hold_kind=ruling.hold_kind,
                reason=ruling.reason,
                ballots=ruling.ballots,
                released=ruling.released,
                voided=ruling.voided,
                commitment=commit(secrets.ruling_salt(number), void),
            ),
        )


def read_counts(value: bytes) -> CommittedCounts:
    """Return counts from their canonical form."""
    return msgspec.json.decode(value, type=CommittedCounts)


class _Taking(NamedTuple):
    sequencing: LogSettings
    moment: Moment
    is_complete: bool


async def _take_ballots(
    connection: AnyConnection, writer: LogWriter, taking: _Taking
) -> tuple[BallotKey, bool]:
    """Add bundles of waiting ballots, and close the log after the last. Return the position
    reached, and whether there is more to do at once."""
    contest, moment = writer.contest, taking.moment
    position = writer.state.position
    floor = None if taking.is_complete else moment.floor
    waiting = await load_waiting(connection, contest.id, position, floor, PASS_BALLOTS)
    is_all = len(waiting) < PASS_BALLOTS
    if taking.is_complete and not waiting:
        return await _close(connection, writer), True
    last = await load_newest_bundle(connection, contest.id)
    draft = plan_bundles(
        len(waiting),
        is_due=_is_due(waiting, taking),
        is_closed=taking.is_complete and is_all,
        has_bundle=last is not None,
    )
    if not draft.sizes:
        return position, False
    groups = list(_split(waiting, draft.sizes))
    batches = [[ballot.ballot for ballot in group] for group in groups]
    replaced = last if draft.replaces_last else None
    if replaced is not None:
        batches[0] += await load_ballots(connection, contest.id, replaced.ids)
    first = (last.number if last else 0) + 1
    secrets = taking.sequencing.secrets
    contents = await asyncio.to_thread(_build_contents, contest.numbers, batches, secrets, first)
    for number, (group, batch) in enumerate(zip(groups, batches, strict=True), start=first):
        _add_bundle(writer, secrets, (number, batch, contents[number - first]), replaced)
        writer.new.taken += [(contest.id, ballot.ballot.ballot_id, number) for ballot in group]
    newest = groups[-1][-1]
    reached = BallotKey(newest.xid, newest.ballot.ballot_id, position.is_reread)
    return reached, taking.is_complete or not is_all


def _is_due(waiting: Sequence[WaitingBallot], taking: _Taking) -> bool:
    """Return whether the oldest of the ballots has waited long enough."""
    if not waiting:
        return False
    oldest = min(ballot.cast_at for ballot in waiting)
    return taking.moment.now - oldest >= taking.sequencing.bundle_wait


def _split(ballots: Sequence[WaitingBallot], sizes: Iterable[int]) -> Iterable[list[WaitingBallot]]:
    start = 0
    for size in sizes:
        yield list(ballots[start : start + size])
        start += size


def _build_contents(
    numbers: Iterable[int],
    batches: Iterable[Sequence[BundleBallot]],
    secrets: LogSecrets,
    first: int,
) -> list[BundleContents]:
    """Return the contents of bundles; the first one has the number `first`."""
    return [
        bundle_contents(numbers, batch, secrets.bundle_secret(number))
        for number, batch in enumerate(batches, start=first)
    ]


def _add_bundle(
    writer: LogWriter,
    secrets: LogSecrets,
    bundle: tuple[int, Sequence[BundleBallot], BundleContents],
    replaced: BundleIds | None,
) -> None:
    number, ballots, contents = bundle
    replaces = replaced.number if replaced else None
    row = BundleRow(
        number=number,
        entry=writer.size,
        replaces=replaces,
        held=contents.held,
        ballots=b"".join(ballot.ballot_id for ballot in ballots),
        value=canonical(msgspec.to_builtins(contents.value)),
    )
    writer.new.bundles.append(row)
    writer.add(
        f"bundle {number}",
        Bundle(
            at=writer.at,
            bundle=number,
            ballots=len(ballots),
            held=contents.held,
            tags=contents.root,
            commitment=commit(secrets.bundle_salt(number), contents.value),
            replaces=msgspec.UNSET if replaces is None else replaces,
        ),
    )


async def _close(connection: AnyConnection, writer: LogWriter) -> BallotKey:
    """Close the log if it has every ballot; else have all ballots read again, once. Raises
    LogFault if that has been done."""
    contest, position = writer.contest, writer.state.position
    sums = await load_ballot_counts(connection, contest.id)
    stored = await count_ballots(connection, contest.id)
    if sums.ballots != stored:
        if position == BallotKey(is_reread=True) or sums.ballots > stored:
            raise LogFault("voting.public_log.differs", logged=sums.ballots, stored=stored)
        return BallotKey(is_reread=True)
    closes_at = written(contest.closes_at)
    writer.add(
        "close",
        CloseEntry(
            at=writer.at,
            closes_at=closes_at,
            bundles=sums.bundles,
            ballots=sums.ballots,
            held=sums.held,
        ),
    )
    writer.state = replace(writer.state, is_closed=True)
    return position


async def _add_cut(
    connection: AnyConnection, writer: LogWriter, secrets: LogSecrets, cut: PublicCut
) -> None:
    """Add a public cut, and before it the openings, unless those before are of the same rulings."""
    contest_id = writer.contest.id
    content = await load_newest_openings(connection, contest_id)
    newest = None if content is None else msgspec.json.decode(content, type=Openings)
    if newest is None or newest.rulings != cut.rulings:
        ruling = await load_ruling(connection, contest_id, cut.rulings)
        if (ruling.number if ruling else 0) != cut.rulings:
            raise Refused("voting.public_log.ruling_missing")
        document = openings_document(secrets, await load_bundles(connection, contest_id), ruling)
        entry = Openings(at=writer.at, document=writer.keep(document), rulings=cut.rulings)
        writer.add(f"openings {writer.size}", entry)
    file = writer.keep(Document(cut.document))
    writer.add(f"cut {cut.version}", Cut(at=writer.at, version=cut.version, document=file))
