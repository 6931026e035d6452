"""Whole logs for tests, built from the format page: the folder that anybody can verify.

    python -m tests.voting.public_log.log_builder --ballots 2000 --seed 1 FOLDER

The same plan gives the same bytes. A log has a correction, a withdrawal, changed settings, a
platform's statement, rulings with a reversal, a bundle that is replaced, openings, and two versions
of the result.
"""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, NamedTuple

import click
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.contest_data import both, candidates, rules
from tests.voting.public_log.log_data import LOG, LOG_KEY, WITNESS_KEYS, WITNESSES
from voting_service.contests.model import Contest, CutRules
from voting_service.contests.model import Withdrawal as ContestWithdrawal
from voting_service.infrastructure.crypto.canonical_json import canonical, digest
from voting_service.infrastructure.transparency_log.checkpoints import (
    Checkpoint,
    cosign,
    sign_checkpoint,
)
from voting_service.infrastructure.transparency_log.merkle import Tree, hash_leaf
from voting_service.infrastructure.transparency_log.tiles import (
    WIDTH,
    Tile,
    entry_bundle,
    extend_tiles,
    tile_widths,
)
from voting_service.voting.cut.correction import correction
from voting_service.voting.cut.document import (
    CountedVotes,
    CutDocument,
    TieDecision,
    build_document,
    contest_facts,
    withdrawal_facts,
)
from voting_service.voting.cut.ranking import ranked, tie_at_line
from voting_service.voting.cut.signature import sign
from voting_service.voting.public_log.bundling import MIN_BALLOTS, USUAL_BALLOTS, plan_bundles
from voting_service.voting.public_log.commitments import (
    SALT_BYTES,
    BundleBallot,
    CommittedCounts,
    bundle_contents,
    commit,
    count_votes,
    split_tags,
)
from voting_service.voting.public_log.entries import (
    AnyEntry,
    Bundle,
    CloseEntry,
    CorrectionEntry,
    Cut,
    OpenEntry,
    Openings,
    RulingEntry,
    SettingsEntry,
    Statement,
    WithdrawalEntry,
    written,
)
from voting_service.voting.public_log.receipt_proof import EntryPlace, ReceiptProof, prove
from voting_service.voting.tally.recount import Count

SLUG = "bayu-2022"
OPENS = datetime(2022, 7, 18, 1, tzinfo=UTC)
CLOSES = OPENS + timedelta(days=30)
LONGER = timedelta(hours=12)
"""By how much the changed settings move the close."""
CUT_KEY = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
CUT_SIZE = 30
MAX_CHOICES = 10
WITHDRAWN = 50
UNCHOSEN = (43, 47)
LATE_BALLOTS = 37
"""Stored in the last minutes: too few for a bundle of their own."""
SMALL_BUNDLES = 20_000
"""Contests with fewer ballots have bundles of many sizes, so that there are several."""


class LogPlan(NamedTuple):
    """What to build. `planted` are the choices of ballots by their place; the ballot at the place
    `dropped` is left out."""

    ballots: int = 2_000
    seed: int = 1
    dropped: int | None = None
    planted: Mapping[int, tuple[int, ...]] = MappingProxyType({})


class Opening(NamedTuple):
    """What opens a commitment."""

    salt: bytes
    value: CommittedCounts

    def builtins(self) -> dict[str, Any]:
        return {"salt": text(self.salt), "value": msgspec.to_builtins(self.value)}


def tree_files(data: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the tiles and the bundles of entries."""
    tiles = extend_tiles(0, list(map(hash_leaf, data)), lambda _level, _index: b"")
    for level, full, width in tile_widths(len(data)):
        for index in range(full + bool(width)):
            tile = Tile(level, index, WIDTH if index < full else width)
            yield tile.path, tiles[level, index]
            if not level:
                under = data[index * WIDTH : (index + 1) * WIDTH]
                yield tile._replace(level="entries").path, entry_bundle(under)


class LogBuilder:
    """A log in memory. Its entries, tags and documents can be changed before they are written."""

    def __init__(self, plan: LogPlan) -> None:
        self.plan = plan
        self.random = Random(plan.seed)
        self.contest = Contest(
            1,
            SLUG,
            rules(max_choices=MAX_CHOICES, cut=CutRules(size=CUT_SIZE, tie="committee")),
            OPENS,
            CLOSES,
            1,
            candidates(50),
        )
        self.entries: list[AnyEntry] = []
        self.tags: dict[int, bytes] = {}
        self.documents: dict[str, bytes] = {}
        self.bundle_openings: dict[int, Opening] = {}
        self.ruling_openings: list[Opening] = []
        self.waiting: list[BundleBallot] = []
        """Held when they were cast, and not ruled on."""
        self.counted: list[BundleBallot] = []
        """A few that are not."""
        self.void: list[BundleBallot] = []
        self.never_public: set[bytes] = set()
        """The secrets of bundles, and salts that are not opened."""
        self.cuts: list[bytes] = []
        self.planted: list[BundleBallot] = []
        self.last: list[BundleBallot] = []
        """Those of the newest bundle."""
        self.late: list[BundleBallot] = []
        """Those that wait for one."""
        self.moment = OPENS - timedelta(days=1)

    @property
    def at(self) -> str:
        return written(self.moment)

    def document(self, data: bytes) -> str:
        """Keep a document; return its name."""
        name = sha256(data).hexdigest()
        self.documents[name] = data
        return name

    def open(self) -> None:
        described = [
            {
                "number": candidate.number,
                "name": msgspec.to_builtins(candidate.name),
                "profile": digest(msgspec.to_builtins(candidate)),
            }
            for candidate in self.contest.candidates
        ]
        self.entries.append(
            OpenEntry(
                at=self.at,
                contest=SLUG,
                rules=self.rules_document(),
                candidates=self.document(canonical(described)),
                numbers=tuple(sorted(self.contest.numbers)),
                max_choices=MAX_CHOICES,
                cut_size=CUT_SIZE,
                opens_at=written(self.contest.opens_at),
                closes_at=written(self.contest.closes_at),
                key=LOG.text,
                witnesses=tuple(witness.text for witness in WITNESSES),
            )
        )

    def rules_document(self) -> str:
        facts = msgspec.json.decode(msgspec.json.encode(contest_facts(self.contest)))
        platforms = [{"slug": slug, "name": msgspec.to_builtins(both(slug))} for slug in "ab"]
        return self.document(canonical({"contest": facts, "platforms": platforms}))

    def add_bundle(self, ballots: Sequence[BundleBallot], *, replaces: int | None = None) -> None:
        """Announce a bundle of these ballots."""
        number = len(self.tags) + 1
        secret = self.random.randbytes(SALT_BYTES)
        contents = bundle_contents(self.contest.numbers, ballots, secret)
        salt = self.random.randbytes(SALT_BYTES)
        self.entries.append(
            Bundle(
                at=self.at,
                bundle=number,
                ballots=len(ballots),
                held=contents.held,
                tags=contents.root,
                commitment=commit(salt, contents.value),
                replaces=msgspec.UNSET if replaces is None else replaces,
            )
        )
        self.tags[number] = b"".join(contents.tags)
        self.bundle_openings[number] = Opening(salt, contents.value)
        self.never_public.add(secret)
        if replaces is not None:
            self.never_public.add(self.bundle_openings.pop(replaces).salt)

    def rule(
        self, verdict: str, hold_kind: str, reason: str, *, waiting: int = 0, others: int = 0
    ) -> None:
        """Rule on some of the held ballots, and on others: to `void` those that count, to `count`
        those that are void."""
        released = [self.waiting.pop() for _ in range(min(waiting, len(self.waiting)))]
        source = self.counted if verdict == "void" else self.void
        moved = [source.pop() for _ in range(min(others, len(source)))]
        if verdict == "void":
            self.void += released + moved
        voided = len(released) + len(moved) if verdict == "void" else -len(moved)
        votes: dict[int, int] = {}
        for ballot in self.void:
            for number in ballot.choices:
                votes[number] = votes.get(number, 0) + 1
        value = count_votes(self.contest.numbers, len(self.void), votes)
        opening = Opening(self.random.randbytes(SALT_BYTES), value)
        self.ruling_openings.append(opening)
        self.entries.append(
            RulingEntry(
                at=self.at,
                ruling=len(self.ruling_openings),
                verdict="void" if verdict == "void" else "count",
                hold_kind=hold_kind,
                reason=reason,
                ballots=len(released) + len(moved),
                released=len(released),
                voided=voided,
                commitment=commit(*opening),
            )
        )

    def correct(self, number: int) -> None:
        announced = {"number": number, "after": {"trade": msgspec.to_builtins(both("车工"))}}
        self.entries.append(CorrectionEntry(self.at, number, self.document(canonical(announced))))

    def withdraw(self, number: int) -> None:
        """A candidate withdraws."""
        withdrawal = ContestWithdrawal(number, "stepped_back", both("本人退出"), self.moment)
        self.contest = msgspec.structs.replace(self.contest, withdrawals=(withdrawal,))
        facts = withdrawal_facts([withdrawal])[number]
        announced = {"number": number, **msgspec.to_builtins(facts)}
        self.entries.append(WithdrawalEntry(self.at, number, self.document(canonical(announced))))

    def prolong(self) -> None:
        """Move the close."""
        self.contest = msgspec.structs.replace(self.contest, closes_at=CLOSES + LONGER)
        opens_at, closes_at = written(OPENS), written(self.contest.closes_at)
        self.entries.append(
            SettingsEntry(
                self.at, self.rules_document(), opens_at, closes_at, MAX_CHOICES, CUT_SIZE
            )
        )

    def state(self, platform: str, signed_in: int, stored: int) -> None:
        """A platform's statement about the day before."""
        day = (self.moment - timedelta(days=1)).astimezone(self.contest.zone).date().isoformat()
        claims = {"iss": platform, "day": day, "signed_in": signed_in}
        parts = ({"alg": "EdDSA"}, claims)
        signing = b".".join(urlsafe_b64encode(canonical(part)).rstrip(b"=") for part in parts)
        signature = urlsafe_b64encode(CUT_KEY.sign(signing)).rstrip(b"=")
        document = self.document(signing + b"." + signature)
        self.entries.append(Statement(self.at, platform, day, signed_in, stored, document))

    @property
    def counting(self) -> list[Bundle]:
        """The bundles that count."""
        bundles = [entry for entry in self.entries if isinstance(entry, Bundle)]
        replaced = {entry.replaces for entry in bundles}
        return [entry for entry in bundles if entry.bundle not in replaced]

    def close(self) -> None:
        bundles = self.counting
        self.entries.append(
            CloseEntry(
                at=self.at,
                closes_at=written(self.contest.closes_at),
                bundles=len(bundles),
                ballots=sum(bundle.ballots for bundle in bundles),
                held=sum(bundle.held for bundle in bundles),
            )
        )

    def open_counts(self) -> None:
        """Open the commitments of all bundles that count and of the newest ruling."""
        document: dict[str, Any] = {
            "bundles": [
                {"bundle": number, **opening.builtins()}
                for number, opening in sorted(self.bundle_openings.items())
            ]
        }
        rulings = len(self.ruling_openings)
        if rulings:
            document["ruling"] = {"ruling": rulings, **self.ruling_openings[-1].builtins()}
        self.entries.append(Openings(self.at, self.document(canonical(document)), rulings))

    def result(self) -> CutDocument:
        """The result of what is opened."""
        nothing = value = count_votes(self.contest.numbers, 0, {})
        for opening in self.bundle_openings.values():
            value = value.plus(opening.value)
        void = self.ruling_openings[-1].value if self.ruling_openings else nothing
        voided = dict(void.votes)
        figures = CountedVotes(
            names={candidate.number: candidate.name for candidate in self.contest.candidates},
            counts={number: Count(votes, 0, voided[number]) for number, votes in value.votes},
            ballots=Count(value.ballots, 0, void.ballots),
            withdrawn=withdrawal_facts(self.contest.withdrawals),
        )
        tie = tie_at_line(ranked(figures.standing()), self.contest.rules.cut.size)
        decision = tie and TieDecision(tie.numbers[::-1], decided_at="2022-08-20T01:00:00Z")
        facts = contest_facts(self.contest)
        version = len(self.cuts) + 1
        document = build_document(facts, figures, decision, version=version)
        if not self.cuts:
            return document
        corrects = correction(self.cuts[-1], document, both("申诉成立"))
        return build_document(facts, figures, decision, version=version, corrects=(corrects,))

    def publish_cut(self, file: bytes | None = None) -> None:
        """Publish the next version of the result, or another file as such."""
        file = file or sign(self.result(), CUT_KEY)
        self.cuts.append(file)
        self.entries.append(Cut(self.at, len(self.cuts), self.document(file)))

    def tree(self, size: int | None = None) -> Tree:
        """The tree of the first `size` entries."""
        return Tree(hash_leaf(entry.data) for entry in self.entries[:size])

    def checkpoint(
        self,
        size: int | None = None,
        witnesses: Mapping[str, Ed25519PrivateKey] = WITNESS_KEYS,
    ) -> bytes:
        """The checkpoint of the first `size` entries, signed by the log and by witnesses."""
        tree = self.tree(size)
        note = sign_checkpoint(Checkpoint(LOG.name, tree.size, tree.root()), LOG_KEY)
        lines = [
            cosign(note.text, name, key, int(self.moment.timestamp()) + 1)
            for name, key in witnesses.items()
        ]
        return note._replace(signatures=(*note.signatures, *lines)).data

    def receipt(self, bundle: int, index: int) -> ReceiptProof:
        """The durable receipt of a ballot in a bundle."""
        tags = split_tags(self.tags[bundle])
        number, entry = next(
            (number, entry)
            for number, entry in enumerate(self.entries)
            if isinstance(entry, Bundle) and entry.bundle == bundle
        )
        place = EntryPlace(number, entry.data, len(self.entries), self.checkpoint())
        return prove(tags, tags[index], place, self.tree().node)

    def files(self, checkpoint: bytes | None = None) -> Iterator[tuple[str, bytes]]:
        """Yield every public file with its path."""
        data = [entry.data for entry in self.entries]
        yield "key", f"{LOG.text}\n".encode()
        yield from tree_files(data)
        for number, tags in self.tags.items():
            yield f"bundles/{number}", tags
        for name, document in self.documents.items():
            yield f"documents/{name}", document
        yield "checkpoint", checkpoint or self.checkpoint()

    def write(self, folder: Path, checkpoint: bytes | None = None) -> None:
        """Write the public files."""
        for path, data in self.files(checkpoint):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)


def text(data: bytes) -> str:
    """Base64, as in entries."""
    return b64encode(data).decode()


def random_ballots(builder: LogBuilder) -> Iterator[BundleBallot]:
    """Yield the ballots of a contest: a few favourites, every fiftieth held, and two candidates
    whom only planted ballots name."""
    random, numbers = builder.random, range(1, 51)
    weights = (0 if number in UNCHOSEN else 100 + 400 // number for number in numbers)
    favourites = list(accumulate(weights))
    for place in range(builder.plan.ballots):
        count = 1 + place % MAX_CHOICES
        choices = builder.plan.planted.get(place) or sorted(
            set(random.choices(numbers, cum_weights=favourites, k=count))
        )
        ballot = BundleBallot(random.randbytes(16), choices, place % 50 == 7)
        if place in builder.plan.planted:
            builder.planted.append(ballot)
        if place != builder.plan.dropped:
            yield ballot


def bundle_sizes(builder: LogBuilder) -> list[int]:
    """The sizes of the bundles before the close; a few ballots are left."""
    total = builder.plan.ballots - (builder.plan.dropped is not None)
    waiting = total - LATE_BALLOTS if total > MIN_BALLOTS + LATE_BALLOTS else 0
    sizes = []
    while waiting >= MIN_BALLOTS:
        size = USUAL_BALLOTS
        if total < SMALL_BUNDLES:
            size = builder.random.randint(MIN_BALLOTS, 3 * MIN_BALLOTS)
        sizes.append(min(size, waiting))
        waiting -= sizes[-1]
    return sizes


def add_while_open(builder: LogBuilder, done: float) -> None:
    """Add what happens when a part of the ballots is in."""
    if done == 0.25:
        builder.correct(7)
        builder.state("a", 1_000, 900)
    elif done == 0.5:
        builder.withdraw(WITHDRAWN)
        builder.prolong()
    elif done == 0.75:
        builder.rule("void", "campaign", "bought_votes", waiting=len(builder.waiting) // 2)
        builder.rule("void", "bloc", "automated_voting", waiting=2, others=12)


def build_open(plan: LogPlan) -> LogBuilder:
    """Build the log of a contest whose voting goes on: all bundles but what is left at the
    close."""
    builder = LogBuilder(plan)
    builder.open()
    ballots = random_ballots(builder)
    sizes = bundle_sizes(builder)
    events = [0.25, 0.5, 0.75]
    for place, size in enumerate(sizes):
        builder.moment = OPENS + (CLOSES - OPENS) * (place + 1) / (len(sizes) + 1)
        builder.moment = builder.moment.replace(microsecond=0)
        bundle = [next(ballots) for _ in range(size)]
        keep(builder, bundle)
        builder.add_bundle(bundle)
        while events and (place + 1) / len(sizes) >= events[0]:
            add_while_open(builder, events.pop(0))
        builder.last = bundle
    builder.late = list(ballots)
    return builder


def keep(builder: LogBuilder, ballots: Sequence[BundleBallot]) -> None:
    """Remember ballots that may be ruled on."""
    builder.waiting += [ballot for ballot in ballots if ballot.held]
    builder.counted += [ballot for ballot in ballots if not ballot.held][:3]


def build_closed(plan: LogPlan) -> LogBuilder:
    """Build the log up to its close."""
    builder = build_open(plan)
    builder.moment = CLOSES + LONGER + timedelta(minutes=5)
    late = builder.late
    keep(builder, late)
    draft = plan_bundles(len(late), is_due=True, is_closed=True, has_bundle=bool(builder.tags))
    for place, size in enumerate(draft.sizes):
        joins = draft.replaces_last and place == 0
        bundle, late = late[:size], late[size:]
        builder.add_bundle(
            [*builder.last, *bundle] if joins else bundle,
            replaces=len(builder.tags) if joins else None,
        )
    builder.close()
    return builder


def build_log(plan: LogPlan) -> LogBuilder:
    """Build a whole log: closed, ruled, opened, with two versions of the result."""
    builder = build_closed(plan)
    builder.moment += timedelta(days=1)
    builder.rule("count", "campaign", "objection_upheld", others=len(builder.void) // 4)
    builder.rule("count", "screening", "insufficient_evidence", waiting=len(builder.waiting))
    builder.moment += timedelta(days=1)
    builder.open_counts()
    builder.publish_cut()
    builder.moment += timedelta(days=2)
    builder.rule("void", "selection", "duplicate_person", others=5)
    builder.open_counts()
    builder.publish_cut()
    return builder


@click.command(help=__doc__)
@click.option("--ballots", default=2_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def main(ballots: int, seed: int, folder: Path) -> None:
    build_log(LogPlan(ballots, seed)).write(folder)


if __name__ == "__main__":
    main()
