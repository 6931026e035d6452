"""Choosing, reviewing and casting by form posts alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.browser.site import SLUG, Site
from tests.sites.public.pages.reader import (
    BALLOT,
    LEAVE,
    REVIEW,
    Reader,
    ballot_form,
    cookies_set,
    csrf_token_in,
    heading,
    reading,
)
from voting_service.errors import SlowDown, Unavailable, busy

ENGLISH = BALLOT.replace("/zh/", "/en/")


def ticked(page: str) -> list[int]:
    return sorted(int(number) for number in re.findall(r'value="(\d+)" checked', page))


def hidden_choices(page: str) -> list[int]:
    numbers = re.findall(r'type="hidden" name="choice" value="(\d+)"', page)
    return [int(number) for number in dict.fromkeys(numbers)]


def has_button_that_casts(page: str) -> bool:
    return f'action="{BALLOT}"' in page and "投出选票" in re.sub(r"<p.*?</p>", "", page, flags=re.S)


async def test_the_ballot_lists_everybody_unticked_in_the_visitors_order(reader: Reader) -> None:
    page = await reader.get(BALLOT)
    assert page.status_code == 200
    shown = [int(number) for number in re.findall(r'name="choice" value="(\d+)"', page.text)]
    assert sorted(shown) == list(range(1, 51))
    assert shown != sorted(shown)
    listed = re.findall(r'data-number="(\d+)"', (await reader.get(f"/zh/{SLUG}")).text)
    assert [int(number) for number in listed] == shown, "the list has another order"
    assert ticked(page.text) == []
    again = await reader.get(BALLOT, headers={"if-none-match": page.headers["etag"]})
    assert again.status_code == 304


async def test_a_form_that_is_sent_after_midnight_stays_in_its_day(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the one that a page of trouble sends again; and the reader may then vote again."""

    def refuse() -> None:
        raise busy()

    midnight = site.contest.period_end(site.clock() + timedelta(days=1))
    site.clock.set(midnight - timedelta(minutes=1))
    async with reading(site) as voter, reading(site) as late:
        await voter.enter()
        await late.enter()
        form, late_form = [ballot_form(await who.review([1]), [1]) for who in (voter, late)]
        cast = await voter.post(BALLOT, form)
        assert cast.status_code == 303
        with monkeypatch.context() as patch:
            patch.setattr(site.state.clock_watch, "require", refuse)
            trouble = await late.post(BALLOT, late_form)
        assert trouble.status_code == 503
        assert ballot_form(trouble, [1]) == late_form

        site.clock.set(midnight + timedelta(minutes=5))
        again = await voter.post(BALLOT, form)
        receipt, _, fragment = again.headers["location"].partition("#")
        assert (receipt, fragment) == (cast.headers["location"].partition("#")[0], "again")
        assert f"voted-{SLUG}" not in cookies_set(again), "may vote again today"
        other = await voter.post(BALLOT, [("choice", 2), *form[1:]])
        assert other.status_code == 409
        assert "当日的选票" in other.text
        over = await late.post(BALLOT, late_form)
        assert (over.status_code, heading(over)) == (409, "该日投票已截止")
        assert await late.stored_ballots() == 1
        assert hidden_choices(over.text) == [1]
        assert f'action="{REVIEW}"' in over.text
        for who in (voter, late):
            who.forget_voted()
            assert (await who.cast([1])).status_code == 303
        assert await late.stored_ballots() == 3


async def test_a_signed_in_reader_reviews_casts_and_gets_the_receipt(reader: Reader) -> None:
    await reader.enter()
    before = await reader.stored_ballots()
    review = await reader.review([9, 3])
    assert review.status_code == 200
    assert heading(review) == "核对选票"
    assert hidden_choices(review.text) == [3, 9]
    assert has_button_that_casts(review.text)
    assert await reader.stored_ballots() == before, "a review has cast"
    answer = await reader.post(
        BALLOT, [("choice", 3), ("choice", 9), ("csrf_token", csrf_token_in(review))]
    )
    assert answer.status_code == 303
    address, _, what = answer.headers["location"].partition("#")
    assert what == "stored"
    ballot = address.removeprefix(f"/zh/{SLUG}/receipts/")
    row = await reader.site.database.fetchrow(
        "select choices, platform_id, network from ballots where ballot_id = $1",
        bytes.fromhex(ballot),
    )
    assert row is not None
    assert row["choices"] == [3, 9]
    assert row["platform_id"] == reader.site.state.registry.platforms["demo"].id
    assert row["network"], "the network signal is missing"
    receipt = await reader.get(address)
    assert receipt.status_code == 200
    assert heading(receipt) == "您的选票已收到"
    marker = cookies_set(answer)[f"voted-{SLUG}"]
    assert marker.startswith(f"voted-{SLUG}={ballot};")
    assert "httponly" not in marker.lower()


async def test_the_same_ballot_again_is_kindly_the_same_receipt(reader: Reader) -> None:
    await reader.enter()
    first = await reader.cast([1, 2])
    second = await reader.cast([2, 1])
    assert second.status_code == 303
    assert second.headers["location"] == first.headers["location"].replace("#stored", "#again")


async def test_another_ballot_the_same_day_is_shown_with_the_first_ones_receipt(
    reader: Reader,
) -> None:
    await reader.enter()
    first = await reader.cast([1, 2])
    ballot = first.headers["location"].partition("#")[0].rpartition("/")[2]
    before = await reader.stored_ballots()
    second = await reader.cast([1, 3])
    assert second.status_code == 409
    assert heading(second) == "您已经投过票"
    assert " ".join(re.findall("....", ballot)) in second.text
    assert LEAVE in second.text, "somebody else cannot sign out"
    assert await reader.stored_ballots() == before
    assert f"voted-{SLUG}" in cookies_set(second)


async def test_the_next_day_another_ballot_is_taken(site: Site) -> None:
    async with reading(site) as reader:
        await reader.enter("daily")
        first = await reader.cast([1])
        site.clock.offset += timedelta(days=1)
        await reader.enter("daily")
        second = await reader.cast([1])
        assert second.headers["location"].endswith("#stored")
        assert second.headers["location"] != first.headers["location"]


async def test_who_is_signed_out_keeps_the_choice_and_learns_how_to_come(reader: Reader) -> None:
    review = await reader.review([5, 4])
    assert review.status_code == 200
    assert "请通过媒体平台登录" in review.text
    assert 'href="https://news.example/"' in review.text
    assert not has_button_that_casts(review.text)
    assert ticked((await reader.get(BALLOT)).text) == [4, 5]
    await reader.enter()
    assert ticked((await reader.get(BALLOT)).text) == [4, 5]
    cast = await reader.cast([4, 5])
    assert cast.status_code == 303
    assert ticked((await reader.get(BALLOT)).text) == []


@pytest.mark.parametrize("spoil", ["expire", "forge", "other contest", "nothing"])
async def test_a_session_that_is_no_good_casts_nothing_and_keeps_the_choice(
    spoil: str, refused: Reader
) -> None:
    csrf_token = csrf_token_in(await refused.review([6]))
    name = f"session-{SLUG}"
    token = refused.client.cookies[name]
    clock = refused.site.clock
    try:
        match spoil:
            case "expire":
                clock.offset += timedelta(hours=12, seconds=1)
            case "forge":
                spoiled = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
                refused.client.cookies[name] = spoiled
            case "other contest":
                refused.client.cookies[name] = "A" * 55
            case _:
                del refused.client.cookies[name]
        answer = await refused.post(BALLOT, {"choice": 6, "csrf_token": csrf_token})
    finally:
        clock.offset = timedelta()
    assert answer.status_code == 401
    assert heading(answer) == "请通过媒体平台登录"
    assert hidden_choices(answer.text) == [6]
    assert f'action="{REVIEW}"' in answer.text
    assert f"choice-{SLUG}=6;" in cookies_set(answer)[f"choice-{SLUG}"]


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ("enabled = false", "该平台已停止参加本次投票"),
        ("sessions_not_before = now() + interval '5 seconds'", "请重新登录"),
    ],
)
async def test_a_sign_in_that_the_organisers_ended_is_shown_as_that(
    site: Site, change: str, title: str
) -> None:
    async with reading(site) as reader:
        await reader.enter()
        csrf_token = csrf_token_in(await reader.review([6]))
        await site.database.execute(
            f"update platforms set {change}, revision = revision + 1 where slug = 'demo'"
        )
        await site.state.registry.refresh(site.state.read_pool)
        answer = await reader.post(BALLOT, {"choice": 6, "csrf_token": csrf_token})
        assert answer.status_code == 401
        assert heading(answer) == title
        assert "other" in answer.text
        assert hidden_choices(answer.text) == [6]
        assert await reader.stored_ballots() == 0


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ([], "您尚未选择候选人"),
        (range(1, 12), "请减少 1 人"),
        ([1, 1], "重复或不存在的编号"),
        ([51], "重复或不存在的编号"),
        (["1.0"], "重复或不存在的编号"),
        (["０１"], "重复或不存在的编号"),
    ],
)
async def test_a_faulty_ballot_is_explained_and_can_be_changed_but_not_cast(
    choices: list[object], words: str, refused: Reader
) -> None:
    csrf_token = csrf_token_in(await refused.review([1]))
    pairs = [("choice", number) for number in choices]
    for answer in [
        await refused.post(REVIEW, pairs),
        await refused.post(BALLOT, [*pairs, ("csrf_token", csrf_token)]),
    ]:
        assert answer.status_code == 422
        assert words in answer.text
        assert f'href="{BALLOT}"' in answer.text
        assert not has_button_that_casts(answer.text)


async def test_the_review_can_be_reloaded_changed_and_read_in_the_other_language(
    reader: Reader,
) -> None:
    answer = await reader.post(REVIEW, [("choice", 12), ("choice", 8)])
    assert (answer.status_code, answer.headers["location"]) == (303, REVIEW)
    cookie = cookies_set(answer)[f"choice-{SLUG}"]
    assert cookie.startswith(f"choice-{SLUG}=8.12; HttpOnly;")
    for path in (REVIEW, REVIEW, REVIEW.replace("/zh/", "/en/")):
        page = await reader.get(path)
        assert re.findall(r'class="number">(\d+)', page.text) == ["08", "12"]
    assert ticked((await reader.get(BALLOT)).text) == [8, 12]
    await reader.post(REVIEW, [("choice", number) for number in range(1, 12)])
    assert ticked((await reader.get(BALLOT)).text) == list(range(1, 12))
    answer = await reader.get(REVIEW)
    assert (answer.status_code, answer.headers["location"]) == (303, BALLOT)


async def test_a_name_can_be_removed_on_the_review(reader: Reader) -> None:
    page = await reader.review([8, 12])
    assert 'name="remove" value="12"' in page.text

    async def remove(number: int, choices: list[int]) -> httpx.Response:
        fields = [("choice", choice) for choice in choices]
        return await reader.post(REVIEW, [*fields, ("remove", number)])

    answer = await remove(12, [8, 12])
    assert (answer.status_code, answer.headers["location"]) == (303, REVIEW)
    assert re.findall(r'class="number">(\d+)', (await reader.get(REVIEW)).text) == ["08"]
    eleven = await remove(11, list(range(1, 12)))
    assert eleven.status_code == 303, "of one name too many the last one is removed"
    none_left = await remove(8, [8])
    assert (none_left.status_code, none_left.headers["location"]) == (303, BALLOT)
    assert ticked((await reader.get(BALLOT)).text) == []


async def test_who_has_voted_here_is_shown_before_choosing_again(reader: Reader) -> None:
    await reader.enter()
    cast = await reader.cast([1])
    receipt = cast.headers["location"].partition("#")[0]
    for page in (await reader.get(BALLOT), await reader.review([2])):
        assert "您今天已经投票" in page.text
        assert f'href="{receipt}"' in page.text
        assert not has_button_that_casts(page.text)
    assert ticked((await reader.get(BALLOT)).text) == [2]


async def test_before_the_opening_and_after_the_close(site: Site) -> None:
    async with reading(site) as reader:
        await reader.enter()
        csrf_token = csrf_token_in(await reader.review([1]))
        form = {"choice": 1, "csrf_token": csrf_token}
        now = datetime.now(UTC)
        await site.change_contest(opens_at=now + timedelta(days=3, minutes=1))
        early = await reader.post(BALLOT, form)
        assert early.status_code == 403
        assert heading(early) == "投票尚未开始"
        assert "3天后" in early.text
        in_english = await reader.post(ENGLISH, form)
        assert heading(in_english) == "Voting has not opened yet"
        assert "in 3 days" in in_english.text
        assert not has_button_that_casts((await reader.review([1])).text)
        await site.change_contest(
            opens_at=now - timedelta(days=2), closes_at=now - timedelta(seconds=1)
        )
        late = await reader.post(BALLOT, form)
        assert late.status_code == 403
        assert heading(late) == "投票已结束"
        assert not has_button_that_casts((await reader.review([1])).text)
        assert 'type="checkbox"' not in (await reader.get(BALLOT)).text
        assert await reader.stored_ballots() == 0


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (Unavailable("the service is busy", retry_after_seconds=3), 503, "系统繁忙"),
        (SlowDown(30), 429, "操作过于频繁"),
    ],
)
async def test_busy_and_slow_down_keep_the_choice_and_offer_another_try(
    error: Exception, status: int, title: str, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader.enter()
    csrf_token = csrf_token_in(await reader.review([2, 11]))

    async def refuse(**_vote: object) -> Exception:
        return error

    with monkeypatch.context() as patch:
        patch.setattr(reader.site.state.contest_state(SLUG).pipeline, "submit", refuse)
        answer = await reader.post(
            BALLOT, [("choice", 2), ("choice", 11), ("csrf_token", csrf_token)]
        )
    assert answer.status_code == status
    assert heading(answer) == title
    seconds = answer.headers["retry-after"]
    assert f"{seconds} 秒" in answer.text
    assert hidden_choices(answer.text) == [2, 11]
    again = await reader.post(
        BALLOT,
        [
            *(("choice", n) for n in hidden_choices(answer.text)),
            ("csrf_token", csrf_token_in(answer)),
        ],
    )
    assert again.status_code == 303


async def test_leaving_signs_out_and_forgets_what_the_browser_kept(reader: Reader) -> None:
    await reader.enter()
    await reader.cast([1])
    answer = await reader.post(LEAVE, {})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/zh/{SLUG}")
    assert not [name for name in reader.client.cookies if name.endswith(SLUG)]
    assert not has_button_that_casts((await reader.review([1])).text)


async def test_pages_of_one_visitor_are_kept_by_nobody(reader: Reader) -> None:
    await reader.enter()
    review = await reader.review([1])
    cast = await reader.cast([1])
    assert review.status_code == 200
    receipt = await reader.get(cast.headers["location"])
    for answer in (review, cast, receipt, await reader.cast([2])):
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
