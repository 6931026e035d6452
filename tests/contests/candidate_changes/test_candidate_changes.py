"""Corrections and withdrawals in the record: what two people can do, and what nobody can."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from tests.candidate_changes import TwoPeople
from tests.contest_data import arrange_contest, both, rules, show_picture, store_contest
from tests.cut_data import MASTER_KEY, member
from tests.picture_files import encoded, jpeg
from voting_service.contests.candidate_changes.descriptions import (
    describe_corrections,
    describe_fields,
    describe_withdrawals,
    field_name,
)
from voting_service.contests.candidate_changes.fields import SHAPES, read_fields, typed_values
from voting_service.contests.candidate_changes.model import CORRECTABLE, PICTURES
from voting_service.contests.candidate_changes.public_changes import public_changes
from voting_service.contests.candidate_changes.service import (
    CorrectionDraft,
    approve_candidate_change,
    decline_candidate_change,
    load_shown_fields,
    propose_correction,
    propose_withdrawal,
)
from voting_service.contests.model import WithdrawalGround
from voting_service.contests.pictures.repository import (
    add_picture,
    load_all_pictures,
    remove_pictures,
    store_logo,
    store_portrait,
)
from voting_service.contests.repository import load_contest
from voting_service.errors import InvalidInput, NotFound, Refused, SecondPersonRequired, WrongRole
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import LANGUAGES, Text
from voting_service.infrastructure.images.encoding import encode_picture
from voting_service.infrastructure.postgres.database_clock import MAX_OFFSET_SECONDS
from voting_service.infrastructure.postgres.pool import Connection, domain_errors
from voting_service.infrastructure.timeouts import CACHE_STALE_SECONDS, COMMAND_TIMEOUT_SECONDS
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.repository import load_contest_approvals

NEW_NAME = {"zh": "王五", "en": "Wang Wu"}
WHY = both("a typing mistake")
NOTICE = timedelta(seconds=COMMAND_TIMEOUT_SECONDS + CACHE_STALE_SECONDS + MAX_OFFSET_SECONDS)
"""Until every worker has heard of a commit, or takes no votes, and has a clock that agrees."""


def draft(portrait: Any = None, **fields: Any) -> CorrectionDraft:
    return CorrectionDraft(fields, portrait, before_hidden=False, reason=WHY)


def test_every_field_has_inputs_and_a_name() -> None:
    assert set(SHAPES) == set(CORRECTABLE)
    for language in LANGUAGES:
        names = [field_name(name, language) for name in (*CORRECTABLE, PICTURES)]
        assert len(set(names)) == len(names)
        grounds = load_catalogue("candidate_changes", language)["grounds"]
        assert set(grounds) == set(get_args(WithdrawalGround))


async def test_two_people_correct_a_profile_and_its_pictures(
    database: Connection, owner_database_url: str
) -> None:
    contest = await store_contest(database, MASTER_KEY)
    people = await TwoPeople.store(database)
    shown = await load_shown_fields(database, contest, 2)
    request = await propose_correction(
        people.proposer(), contest, 2, draft(encoded(90), name=NEW_NAME, trade=shown["trade"])
    )
    proposed = await load_contest(database, contest.slug)
    assert (proposed.candidates, proposed.corrections) == (contest.candidates, ())
    assert await load_all_pictures(database, contest.id) == {}
    with pytest.raises(SecondPersonRequired):
        await approve_candidate_change(people.proposer(), contest, request)
    corrected = await people.approve(contest, request)
    assert corrected.revision > contest.revision  # so every worker loads it
    assert corrected.candidates[1].name.en == "Wang Wu"
    assert corrected.candidates[1].number == 2
    assert [c for c in corrected.candidates if c.number != 2] == [
        c for c in contest.candidates if c.number != 2
    ]
    [correction] = corrected.corrections
    assert set(correction.after) == {"name", PICTURES}, "what did not change is no correction"
    assert correction.before["name"] == shown["name"]
    pictures = await load_all_pictures(database, contest.id)
    assert [picture.hash for picture in pictures[2]] == [encoded(90).hash]

    picture = encoded(30, "picture")
    await show_picture(owner_database_url, contest.id, 2, picture, both("at work"))
    shown = await load_shown_fields(database, corrected, 2)
    typed = {**typed_values(shown), "caption.1.zh": " 车间 ", "remove.0": "yes"}
    again = await people.correct(corrected, 2, **read_fields(typed, shown))
    pictures = await load_all_pictures(database, contest.id)
    assert [(p.kind, p.caption and p.caption.zh) for p in pictures[2]] == [("picture", "车间")]
    assert [c.turn for c in again.corrections] == [1, 2]
    words = describe_corrections(again, "en")[0].fields
    assert [(w.name, w.before, w.after) for w in words] == [
        ("Pictures", "The earlier photo\nPicture “at work”", "Picture “车间”")
    ]


async def test_fields_that_a_profile_need_not_have_come_and_go(database: Connection) -> None:
    contest = await store_contest(database, MASTER_KEY)
    people = await TwoPeople.store(database)
    for typed in (
        {
            **{"employer.zh": "一厂", "employer.en": "Works", "film": "https://example.org/film"},
            **{"honours.zh": "能手\n一等奖", "honours.en": "Expert\nFirst prize"},
        },
        {"employer.zh": "", "employer.en": "", "honours.zh": "", "honours.en": "", "film": ""},
        {"honours.zh": "能手", "honours.en": "Expert"},
    ):
        shown = await load_shown_fields(database, contest, 3)
        contest = await people.correct(contest, 3, **read_fields(typed, shown))
        candidate = contest.candidates[2]
        employer = typed.get("employer.en")
        assert candidate.employer == (Text(typed["employer.zh"], employer) if employer else None)
        assert "\n".join(honour.en for honour in candidate.honours) == typed["honours.en"]
        assert candidate.film == (typed.get("film") or None)
    shown = await load_shown_fields(database, contest, 3)
    assert read_fields({"trade.zh": "车工"}, shown)["trade"] == {"zh": "车工", "en": "车工"}
    turner = {"trade.zh": "车工", "trade.en": "Turner"}
    assert read_fields(turner, shown)["trade"] == {"zh": "车工", "en": "Turner"}
    words = describe_corrections(contest, "en")[-1].fields
    assert [(w.name, w.before, w.after) for w in words] == [
        ("Employer", "none", "Works"),
        ("Honours", "none", "Expert\nFirst prize"),
        ("Film", "none", "https://example.org/film"),
    ]


async def test_what_a_correction_is_refused_for(database: Connection, owner: Connection) -> None:
    contest = await store_contest(database, MASTER_KEY)
    people = await TwoPeople.store(database)
    proposer = people.proposer()
    with pytest.raises(InvalidInput) as invalid:
        await propose_correction(
            proposer,
            contest,
            1,
            draft(name={"zh": "", "en": "x" * 121}, story={"zh": "好\x07", "en": "fine"}),
        )
    assert [fault.field for fault in invalid.value.faults] == ["name.zh", "name.en", "story.zh"]
    shown = await load_shown_fields(database, contest, 1)
    with pytest.raises(Refused, match="Nothing was changed"):
        await propose_correction(proposer, contest, 1, draft(name=shown["name"]))
    with pytest.raises(NotFound):
        await propose_correction(proposer, contest, 99, draft(name=NEW_NAME))
    auditor = Actor(database, await member(database, "auditor", "auditor"), proposer.now)
    with pytest.raises(WrongRole):
        await propose_correction(auditor, contest, 1, draft(name=NEW_NAME))
    # Two proposals for the same text: the second no longer fits once the first is approved.
    first, second = [
        await propose_correction(proposer, contest, 1, draft(name={"zh": name, "en": name}))
        for name in ("a", "b")
    ]
    corrected = await people.approve(contest, first)
    with pytest.raises(Refused, match=r"after this was proposed|decided"):
        await people.approve(corrected, second)
    await decline_candidate_change(people.approver(), corrected, second, "too late")
    assert (await load_contest(database, contest.slug)).candidates[0].name.en == "a"
    # Not even an approved request changes the number, or shows a picture that is not stored.
    for after in ({"number": 9}, {PICTURES: [{"hash": "0" * 32, "width": 1, "height": 1}]}):
        before: dict[str, Any] = {name: {"number": 1}.get(name, []) for name in after}
        request = await owner.fetchval(
            "insert into approval_requests (contest_id, kind, subject, payload, payload_hash,"
            " proposed_by, proposed_at) values ($1, 'profile_correction', '1/2', $2, $3, $4, now())"
            " returning id",
            contest.id,
            {"number": 1, "before": before, "after": after, "before_hidden": False, "reason": {}},
            "0" * 64,
            people.clerk.id,
        )
        with pytest.raises(Refused), domain_errors():
            await owner.execute(
                "update approval_requests set approved_by = $2, approved_at = now() where id = $1",
                request,
                people.supervisor.id,
            )


async def test_pictures_of_an_announced_contest_change_by_corrections_only(
    database: Connection, owner_database_url: str
) -> None:
    now = datetime.now(UTC)
    coming = await store_contest(
        database, MASTER_KEY, slug="coming", opens_at=now + timedelta(days=1)
    )
    for shade in (10, 20):
        await store_portrait(database, coming.id, 1, encoded(shade))  # not announced yet
    await remove_pictures(database, coming.id, 1)
    contest = await store_contest(database, MASTER_KEY)
    await show_picture(owner_database_url, contest.id, 1, encoded(10))
    logo = encode_picture(jpeg(600, 300), "logo.jpg", "logo")
    for closes_at in (contest.closes_at, now - timedelta(minutes=1)):
        await arrange_contest(owner_database_url, contest.id, closes_at=closes_at)
        for act, match in (
            (store_portrait(database, contest.id, 1, encoded(20)), "candidate correct"),
            (store_portrait(database, contest.id, 2, encoded(20)), "candidate correct"),
            (add_picture(database, contest.id, 2, encoded(20), WHY), "candidate correct"),
            (remove_pictures(database, contest.id, 1), "candidate correct"),
            (store_logo(database, contest.id, logo), "on the console"),
        ):
            with pytest.raises(SecondPersonRequired, match=match), domain_errors():
                async with database.transaction():
                    await act
    people = await TwoPeople.store(database)
    await people.correct(contest, 1, encoded(20))
    pictures = await load_all_pictures(database, contest.id)
    assert [picture.hash for picture in pictures[1]] == [encoded(20).hash]


async def test_two_people_withdraw_a_candidate_for_good(
    database: Connection, owner: Connection
) -> None:
    contest = await store_contest(database, MASTER_KEY, count=3, contest_rules=rules(max_choices=2))
    people = await TwoPeople.store(database)
    request = await propose_withdrawal(people.proposer(), contest, 3, "died", both("an accident"))
    assert (await load_contest(database, contest.slug)).withdrawals == ()
    with pytest.raises(SecondPersonRequired):
        await approve_candidate_change(people.proposer(), contest, request)
    before: datetime = await database.fetchval("select clock_timestamp()")
    without = await people.approve(contest, request)
    [withdrawal] = without.withdrawals
    assert withdrawal.withdrawn_at >= before + NOTICE
    assert without.standing == {1, 2}
    assert without.numbers == {1, 2, 3}
    described = describe_withdrawals(without, "zh")[0]
    assert (described.ground, described.reason) == ("逝世", "an accident")
    with pytest.raises(Refused, match="already withdrawn"):
        await propose_withdrawal(people.proposer(), without, 3, "died", both("again"))
    without = await people.withdraw(without, 2)
    last = await propose_withdrawal(people.proposer(), without, 1, "disqualified", both("a fraud"))
    with pytest.raises(Refused, match="too few"):
        await people.approve(without, last)
    assert (await load_contest(database, contest.slug)).standing == {1}
    assert [r.state for r in await load_contest_approvals(database, contest.id)] == [
        *("approved", "approved", "waiting")
    ]
    for statement in (
        "update withdrawals set number = 1",
        "delete from withdrawals",
        "delete from profile_corrections",
    ):
        with pytest.raises(Refused), domain_errors():
            await owner.execute(statement)


def test_what_only_changed_places_is_shown() -> None:
    """In the language of its reader; in the other one nothing has changed there."""

    def described(name: str, before: Any, after: Any) -> list[tuple[str | None, str]]:
        return [(f.before, f.after) for f in describe_fields({name: before}, {name: after}, "en")]

    def story(*lines: str) -> dict[str, str]:
        return {"zh": "一", "en": "\n".join(lines)}

    reordered = described("story", story("a", "b", "c", "d"), story("a", "c", "b", "d"))
    assert reordered == [("b\nc", "c\nb")]
    assert described("story", story("a", "b", "c"), story("c", "x", "a")) == [("b\nc", "c\nx")]
    assert described("story", story("a", "a"), story("a")) == [("a", "none")]
    portrait, first, second = (
        {"hash": str(n), "width": 9, "height": 9, "caption": caption}
        for n, caption in enumerate((None, NEW_NAME, {"zh": "李四", "en": "Li Si"}))
    )
    [change] = described("pictures", [portrait, first, second], [portrait, second, first])
    assert [text and text.count("\n") for text in change] == [1, 1]
    assert change[0] is not None
    assert change[0].split("\n") == change[1].split("\n")[::-1]


async def test_no_worker_hears_too_late_of_a_withdrawal(
    database: Connection, owner: Connection
) -> None:
    """At the commit there is time left; and each takes effect at a moment of its own."""
    contest = await store_contest(database, MASTER_KEY, count=4, contest_rules=rules(max_choices=1))
    people = await TwoPeople.store(database)
    assert await owner.fetchval("select withdrawal_notice()") == NOTICE
    insert = (
        "insert into withdrawals select contest_id, $1, approval_id, ground, reason,"
        " clock_timestamp() + $2 from withdrawals where number = 1"
    )
    await people.withdraw(contest, 1)
    with pytest.raises(Refused, match="approve again"), domain_errors():
        await owner.execute(insert, 2, NOTICE)  # as if the transaction had used up the rest
    await owner.execute(insert, 3, timedelta(hours=1))
    assert (await load_contest(database, contest.slug)).withdrawn.keys() == {1, 3}
    first, third, second = (await people.withdraw(contest, 2)).withdrawals
    assert (first.number, third.number, second.number) == (1, 3, 2)
    assert second.withdrawn_at == third.withdrawn_at + timedelta(microseconds=1)


async def test_the_public_sees_what_it_may(database: Connection) -> None:
    """The earlier text of a correction can be hidden, and one before the announcement is none."""
    now = datetime.now(UTC)
    people = await TwoPeople.store(database)
    coming = await store_contest(
        database, MASTER_KEY, slug="coming", opens_at=now + timedelta(days=1)
    )
    corrected = await people.correct(coming, 1, name=NEW_NAME)
    assert len(corrected.corrections) == 1
    assert describe_corrections(corrected, "en") == ()
    assert public_changes(corrected).corrections == ()
    contest = await store_contest(database, MASTER_KEY)
    story = {"zh": "第一段\n第二段", "en": "One\nTwo"}
    contest = await people.correct(contest, 1, before_hidden=True, story=story)
    contest = await people.correct(contest, 1, story={**story, "en": "One\nThree"})
    open_one, hidden = describe_corrections(contest, "en")
    assert [(f.name, f.before, f.after) for f in open_one.fields] == [("Story", "Two", "Three")]
    [in_chinese] = describe_corrections(contest, "zh")[0].fields
    assert in_chinese.name == "事迹材料（英文）", "only the English text was corrected"
    assert (in_chinese.before, in_chinese.after) == ("Two", "Three")
    assert [(f.before, f.after) for f in hidden.fields] == [(None, "One\nTwo")]
    shown = public_changes(contest).corrections
    assert [correction.before is None for correction in shown] == [True, False]
