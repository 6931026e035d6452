"""Logs that lie: what an operator with the log's own key could publish, and how it is found.

Each forgery is a whole log whose hashes and signatures are right, unless these are what is forged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.contest_data import both
from tests.voting.public_log.log_builder import (
    CUT_KEY,
    CUT_SIZE,
    WITHDRAWN,
    LogBuilder,
    LogPlan,
    Opening,
    build_closed,
    build_log,
    random_ballots,
    text,
)
from tests.voting.public_log.log_data import LOG, WITNESS_KEYS, WITNESSES
from voting_service.contests.model import Withdrawal
from voting_service.infrastructure.crypto.canonical_json import canonical
from voting_service.infrastructure.crypto.signed_document import sign_document
from voting_service.infrastructure.transparency_log.checkpoints import Checkpoint, sign_checkpoint
from voting_service.voting.cut.signature import sign
from voting_service.voting.public_log.commitments import (
    TAG_BYTES,
    commit,
    split_tags,
    tag_tree,
)
from voting_service.voting.public_log.entries import (
    AnyEntry,
    Bundle,
    CloseEntry,
    Cut,
    OpenEntry,
    Openings,
    RulingEntry,
)

PLAN = LogPlan(ballots=700, seed=1)
HONEST_WITNESS = WITNESSES[1]
STOLEN = {WITNESSES[0].name: WITNESS_KEYS[WITNESSES[0].name]}
"""A witness whose key the operator has."""
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"o" * 32)


class ForgedLog(NamedTuple):
    """A log with what its reader has: an older checkpoint, a receipt, a witness to trust."""

    log: LogBuilder
    checkpoint: bytes | None = None
    older: bytes | None = None
    receipt: bytes | None = None
    witnesses: tuple[str, ...] = ()
    changed: Mapping[str, bytes] = MappingProxyType({})
    """Files that differ from those of the log."""

    @property
    def files(self) -> dict[str, bytes]:
        return {**dict(self.log.files(self.checkpoint)), **self.changed}


class Forgery(NamedTuple):
    """What the operator does, and the code of the sentence about it."""

    name: str
    code: str
    make: Callable[[], ForgedLog]


FORGERIES: list[Forgery] = []


def forgery(code: str) -> Callable[[Callable[[LogBuilder], ForgedLog | None]], None]:
    """Register a forgery: a function that changes a whole log, which is signed afterwards."""

    def register(forge: Callable[[LogBuilder], ForgedLog | None]) -> None:
        def make() -> ForgedLog:
            log = build_log(PLAN)
            return forge(log) or ForgedLog(log)

        FORGERIES.append(Forgery(forge.__name__, code, make))

    return register


def places(log: LogBuilder, kind: type[AnyEntry]) -> list[int]:
    return [place for place, entry in enumerate(log.entries) if isinstance(entry, kind)]


def change(log: LogBuilder, place: int, **fields: Any) -> None:
    """Change an entry."""
    log.entries[place] = msgspec.structs.replace(log.entries[place], **fields)


def change_bundle(log: LogBuilder, number: int, **fields: Any) -> None:
    change(log, places(log, Bundle)[number - 1], **fields)


def exchange_tags(log: LogBuilder, number: int, tags: list[bytes]) -> None:
    """Announce a bundle with other tags, as if it had always had them."""
    log.tags[number] = b"".join(tags)
    change_bundle(log, number, tags=text(tag_tree(tags).root()))


def reopen(log: LogBuilder, alter: Callable[[dict[str, Any]], None], which: int = -1) -> None:
    """Change openings, the newest unless others are named."""
    place = places(log, Openings)[which]
    entry = log.entries[place]
    assert isinstance(entry, Openings)
    document = msgspec.json.decode(log.documents.pop(entry.document))
    alter(document)
    change(log, place, document=log.document(canonical(document)))


def publish_instead(log: LogBuilder, file: bytes) -> None:
    """Publish another newest version of the result."""
    place = places(log, Cut)[-1]
    entry = log.entries[place]
    assert isinstance(entry, Cut)
    del log.documents[entry.document]
    change(log, place, document=log.document(file))


def newest_result(log: LogBuilder) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(log.cuts[-1])["document"]
    return document


# Ballots


@forgery("receipt_of_another_log")
def dropped_ballot_with_its_receipt(log: LogBuilder) -> ForgedLog:
    """The whole log is rewritten without one ballot; its holder comes."""
    receipt = msgspec.json.encode(log.receipt(1, 5))
    return ForgedLog(build_log(PLAN._replace(dropped=5)), receipt=receipt)


@forgery("tags_count")
def ballot_dropped_from_the_list(log: LogBuilder) -> None:
    log.tags[2] = log.tags[2][TAG_BYTES:]


@forgery("close_ballots")
def ballot_dropped_from_a_bundle(log: LogBuilder) -> None:
    tags = split_tags(log.tags[2])[1:]
    change_bundle(log, 2, ballots=len(tags))
    exchange_tags(log, 2, tags)


@forgery("tags_root")
def ballot_exchanged(log: LogBuilder) -> None:
    log.tags[2] = b"".join(sorted([b"x" * TAG_BYTES, *split_tags(log.tags[2])[1:]]))


@forgery("tag_twice")
def ballot_in_two_bundles(log: LogBuilder) -> None:
    first, second = split_tags(log.tags[1]), split_tags(log.tags[2])
    exchange_tags(log, 2, sorted([first[0], *second[1:]]))


@forgery("tags_unordered")
def ballot_twice_in_a_bundle(log: LogBuilder) -> None:
    tags = split_tags(log.tags[2])
    exchange_tags(log, 2, sorted([tags[1], *tags[1:]]))


@forgery("replaced_lost")
def ballot_lost_when_a_bundle_is_replaced(log: LogBuilder) -> None:
    last = len(log.tags)
    lost = split_tags(log.tags[last - 1])[0]
    tags = [tag for tag in split_tags(log.tags[last]) if tag != lost]
    exchange_tags(log, last, sorted([b"\xfe" * TAG_BYTES, *tags]))


@forgery("late_bundle")
def late_ballots(log: LogBuilder) -> ForgedLog:
    late = build_closed(PLAN)
    late.add_bundle(list(random_ballots(late))[:100])
    late.open_counts()
    late.publish_cut()
    return ForgedLog(late)


@forgery("log_forked")
def ballots_added_before_a_witnessed_close(log: LogBuilder) -> ForgedLog:
    """Into a log that is otherwise in order, with a checkpoint of the close as it was."""
    closed = places(log, CloseEntry)[0] + 1
    return ForgedLog(build_log(PLAN._replace(ballots=701)), older=log.checkpoint(closed))


@forgery("bundle_size")
def bundle_of_ten(log: LogBuilder) -> ForgedLog:
    small = build_closed(PLAN)
    place = places(small, CloseEntry)[0]
    small.entries.pop(place)
    small.add_bundle(list(random_ballots(small))[:10])
    small.close()
    return ForgedLog(small)


@forgery("bundle_number")
def missing_bundle(log: LogBuilder) -> None:
    log.entries.pop(places(log, Bundle)[1])


# The tree and its witnesses


@forgery("moment_back")
def reordered_entries(log: LogBuilder) -> None:
    first, second = places(log, RulingEntry)[1], places(log, CloseEntry)[0]
    log.entries[first], log.entries[second] = log.entries[second], log.entries[first]


@forgery("wrong_root")
def rewritten_below_its_checkpoint(log: LogBuilder) -> ForgedLog:
    checkpoint = log.checkpoint()
    change(log, places(log, CloseEntry)[0], held=0)
    return ForgedLog(log, checkpoint)


@forgery("log_forked")
def fork_with_the_stolen_key_of_a_witness(log: LogBuilder) -> ForgedLog:
    fork = build_log(PLAN._replace(seed=2))
    return ForgedLog(fork, fork.checkpoint(witnesses=STOLEN), older=log.checkpoint(12))


@forgery("required_witness_missing")
def fork_that_an_honest_witness_has_not_seen(log: LogBuilder) -> ForgedLog:
    checkpoint = log.checkpoint(witnesses=STOLEN)
    return ForgedLog(log, checkpoint, witnesses=(HONEST_WITNESS.text,))


@forgery("wrong_cosignature")
def witness_signed_by_somebody_else(log: LogBuilder) -> ForgedLog:
    checkpoint = log.checkpoint(witnesses={**STOLEN, HONEST_WITNESS.name: OTHER_KEY})
    return ForgedLog(log, checkpoint)


@forgery("unwitnessed")
def log_without_witnesses(log: LogBuilder) -> ForgedLog:
    return ForgedLog(log, log.checkpoint(witnesses={}))


@forgery("log_shorter")
def old_checkpoint(log: LogBuilder) -> ForgedLog:
    """The state before the close is shown again."""
    older = log.checkpoint()
    del log.entries[places(log, CloseEntry)[0] :]
    return ForgedLog(log, older=older)


@forgery("wrong_checkpoint")
def checkpoint_of_another_key(log: LogBuilder) -> ForgedLog:
    tree = log.tree()
    note = sign_checkpoint(Checkpoint(LOG.name, tree.size, tree.root()), OTHER_KEY)
    return ForgedLog(log, note.data)


@forgery("other_key")
def other_key_in_the_first_entry(log: LogBuilder) -> None:
    change(log, places(log, OpenEntry)[0], key=WITNESSES[0].text)


# Choices and rulings


@forgery("wrong_opening")
def changed_choice(log: LogBuilder) -> None:
    """A vote moves to another candidate after the close, and the sums still agree."""

    def alter(document: dict[str, Any]) -> None:
        votes = document["bundles"][0]["value"]["votes"]
        votes[0][1] -= 1
        votes[1][1] += 1

    reopen(log, alter)


@forgery("wrong_opening")
def wrong_salt(log: LogBuilder) -> None:
    reopen(log, lambda document: document["bundles"][0].update(salt=text(b"x" * 32)))


@forgery("bundle_unopened")
def bundle_left_closed(log: LogBuilder) -> None:
    reopen(log, lambda document: document["bundles"].pop(1))


@forgery("bundle_opened")
def replaced_bundle_opened(log: LogBuilder) -> None:
    """Its ballots would count twice."""
    replaced = len(log.tags) - 1
    log.bundle_openings[replaced] = log.bundle_openings[1]

    def alter(document: dict[str, Any]) -> None:
        opened = {**document["bundles"][0], "bundle": replaced}
        document["bundles"].insert(-1, opened)

    reopen(log, alter)


@forgery("impossible_counts")
def more_votes_than_ballots(log: LogBuilder) -> None:
    """Bound to before the close, so that the commitment opens."""
    value = log.bundle_openings[1].value
    votes = tuple((n, value.ballots + 1 if n == 1 else v) for n, v in value.votes)
    forged = Opening(b"x" * 32, msgspec.structs.replace(value, votes=votes))
    change_bundle(log, 1, commitment=commit(*forged))
    for which in range(2):
        reopen(log, lambda document: document["bundles"][0].update(forged.builtins()), which)


@forgery("other_void")
def silent_void(log: LogBuilder) -> None:
    """The newest ruling makes more ballots void than it states."""
    change(log, places(log, RulingEntry)[-1], voided=1)


@forgery("other_votes")
def silent_void_in_the_result(log: LogBuilder) -> None:
    """The result takes votes from the first that no ruling took."""
    newest = log.ruling_openings[-1]
    votes = tuple((n, v + 40 if n == 1 else v) for n, v in newest.value.votes)
    log.ruling_openings[-1] = newest._replace(
        value=msgspec.structs.replace(newest.value, votes=votes)
    )
    log.cuts.pop()
    publish_instead(log, sign(log.result(), CUT_KEY))


@forgery("ruling_number")
def missing_ruling(log: LogBuilder) -> None:
    log.entries.pop(places(log, RulingEntry)[1])


@forgery("other_ruling_opened")
def ruling_left_out_of_the_openings(log: LogBuilder) -> None:
    change(log, places(log, Openings)[-1], rulings=4)


@forgery("wrong_ruling_opening")
def void_votes_moved(log: LogBuilder) -> None:
    def alter(document: dict[str, Any]) -> None:
        votes = document["ruling"]["value"]["votes"]
        votes[0][1], votes[1][1] = votes[1][1] + 1, votes[0][1]

    reopen(log, alter)


@forgery("held_unruled")
def held_ballots_never_ruled_on(log: LogBuilder) -> None:
    place = next(p for p in places(log, RulingEntry) if getattr(log.entries[p], "released", 0) > 2)
    change(log, place, released=1)


@forgery("early_openings")
def counts_opened_before_the_close(log: LogBuilder) -> None:
    openings = log.entries.pop(places(log, Openings)[0])
    bundle = places(log, Bundle)[-1]
    log.entries.insert(bundle, msgspec.structs.replace(openings, at=log.entries[bundle].at))


# The result


@forgery("version_number")
def replaced_result(log: LogBuilder) -> None:
    """The first version is taken out of the log, as if there had been only the second."""
    log.entries.pop(places(log, Cut)[0])


@forgery("wrong_result")
def somebody_else_selected(log: LogBuilder) -> None:
    """The last who advance and the first who do not change places."""
    document = newest_result(log)
    selected = document["selected"]
    selected[-1] = document["candidates"][CUT_SIZE]["number"]
    publish_instead(log, sign_document(document, CUT_KEY))


@forgery("other_signing_key")
def result_signed_by_somebody_else(log: LogBuilder) -> None:
    publish_instead(log, sign_document(newest_result(log), OTHER_KEY))


@forgery("wrong_result")
def result_that_corrects_another_file(log: LogBuilder) -> None:
    document = newest_result(log)
    document["corrects"][0]["document_sha256"] = "0" * 64
    publish_instead(log, sign_document(document, CUT_KEY))


@forgery("other_contest")
def result_with_one_more_place(log: LogBuilder) -> ForgedLog:
    """Thirty-one advance."""
    log = build_closed(PLAN)
    log.rule("count", "screening", "insufficient_evidence", waiting=len(log.waiting))
    log.open_counts()
    rules = log.contest.rules
    cut = msgspec.structs.replace(rules.cut, size=CUT_SIZE + 1)
    rules = msgspec.structs.replace(rules, cut=cut)
    log.contest = msgspec.structs.replace(log.contest, rules=rules)
    log.publish_cut()
    return ForgedLog(log)


@forgery("not_withdrawn")
def candidate_left_out(log: LogBuilder) -> None:
    withdrawal = Withdrawal(1, "stepped_back", both("无此事"), log.moment)
    log.contest = msgspec.structs.replace(
        log.contest, withdrawals=(*log.contest.withdrawals, withdrawal)
    )
    log.cuts.pop()
    publish_instead(log, sign(log.result(), CUT_KEY))


@forgery("still_ranked")
def withdrawn_candidate_ranked(log: LogBuilder) -> None:
    assert WITHDRAWN in log.contest.withdrawn
    log.contest = msgspec.structs.replace(log.contest, withdrawals=())
    log.cuts.pop()
    publish_instead(log, sign(log.result(), CUT_KEY))


# Rules and documents


@forgery("late_settings")
def rules_changed_after_the_close(log: LogBuilder) -> None:
    log.prolong()


@forgery("closed_early")
def closed_before_its_time(log: LogBuilder) -> None:
    change(log, places(log, CloseEntry)[0], closes_at="2022-08-16T13:00:00Z")


@forgery("other_rules")
def announced_rules_exchanged(log: LogBuilder) -> None:
    first = log.entries[0]
    assert isinstance(first, OpenEntry)
    document = msgspec.json.decode(log.documents[first.rules])
    document["contest"]["ballot"]["max_choices"] = 20
    change(log, 0, rules=log.document(canonical(document)))


@forgery("wrong_document")
def document_changed(log: LogBuilder) -> ForgedLog:
    name = next(iter(log.documents))
    return ForgedLog(log, changed={f"documents/{name}": log.documents[name] + b" "})
