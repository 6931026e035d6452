"""The shortlist is chosen as people choose it: over days, by several, in sessions that end, without
losing a tick."""

from __future__ import annotations

from datetime import timedelta

from playwright.async_api import Browser, Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.guard import Guard
from tests.browser.pages import DESKTOP, open_page
from tests.sites.console.kept_forms import end_sessions, open_mark
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen
from tests.sites.nomination.review.review_data import (
    PATH,
    draw,
    personal_keys,
    pick,
    reviewer,
    store_submitted,
    two_clients,
    waiting_decision,
)
from tests.sites.public.api.running_service import MovedClock
from voting_service.contests.contest_file.reader import load_contest_file
from voting_service.nomination.review.repository import load_submitted_recommendations
from voting_service.nomination.review.service import give_verdict
from voting_service.nomination.shortlist.contest_file import (
    ShortlistedCandidate,
    contest_text,
    default_settings,
)
from voting_service.nomination.shortlist.draft import load_draft, save_draft
from voting_service.nomination.shortlist.profiles import draft_profile, profile_faults, text_limit
from voting_service.nomination.shortlist.service import propose_shortlist

SHORTLIST = f"{PATH}/shortlist"


async def ticked(staff_app: StaffApp, chosen: Chosen) -> list[int]:
    draft = await load_draft(staff_app.database, chosen.selection)
    return sorted(draft.chosen)


def seen(numbers: list[int]) -> str:
    return ",".join(map(str, numbers))


async def test_what_two_people_tick_comes_together(staff_app: StaffApp, small: Chosen) -> None:
    a, b, c, d = await store_submitted(staff_app, small, 4)
    (rejected,) = await store_submitted(staff_app, small, 1, state="rejected")
    first, second = await two_clients(staff_app)
    saved = await first.post(
        f"{SHORTLIST}/draft",
        data={"seen": "", "recommendation": [a, b, rejected, 9999], "go": "save"},
    )
    assert saved.headers["location"] == f"{SHORTLIST}?done=draft_saved"
    assert await ticked(staff_app, small) == [a, b], "accepted ones only"
    page = (await second.get(SHORTLIST)).text
    assert f'name="seen" value="{a},{b}"' in page
    assert "Ticked by reviewer-1" in page
    assert "2 of 3 chosen, 1 missing" in page

    # Both have a and b before them. One takes b out, the other adds c and d.
    answer = await first.post(
        f"{SHORTLIST}/draft.json", data={"seen": seen([a, b]), "recommendation": [a]}
    )
    assert (answer.json()["seen"], answer.json()["theirs"]) == (str(a), [])
    answer = await second.post(
        f"{SHORTLIST}/draft.json", data={"seen": seen([a, b]), "recommendation": [a, b, c, d]}
    )
    assert await ticked(staff_app, small) == [a, c, d]
    facts = answer.json()
    assert (facts["seen"], facts["theirs"]) == (seen([a, c, d]), [b])
    assert facts["marks"][str(b)].startswith("Unticked by reviewer-1")
    merged = await first.post(
        f"{SHORTLIST}/draft", data={"seen": str(a), "recommendation": [a], "go": "save"}
    )
    assert merged.headers["location"].endswith("done=draft_merged")
    assert await ticked(staff_app, small) == [a, c, d]
    entries = await staff_app.database.fetch(
        "select actor, details::text from audit_log where act = 'shortlist_draft_saved'"
        " order by entry"
    )
    assert [(row["actor"], row["details"]) for row in entries] == [
        ("reviewer-1", f'{{"ticked": [{a}, {b}]}}'),
        ("reviewer-1", f'{{"unticked": [{b}]}}'),
        ("supervisor-1", f'{{"ticked": [{c}, {d}]}}'),
    ]
    auditor = await staff_app.signed_in_client("auditor")
    assert "2 of 3" not in (page := (await auditor.get(SHORTLIST)).text)
    assert "3 of 3 chosen" in page
    assert (await auditor.post(f"{SHORTLIST}/draft", data={})).status_code == 403


async def test_one_too_few_is_said_with_its_count_and_nothing_is_lost(
    staff_app: StaffApp, small: Chosen
) -> None:
    ids = await store_submitted(staff_app, small, 5)
    first, _ = await two_clients(staff_app)

    async def proposed(numbers: list[int]) -> tuple[int, str]:
        fields = {
            "seen": seen(await ticked(staff_app, small)),
            "recommendation": numbers,
            "go": "propose",
        }
        answer = await first.post(f"{SHORTLIST}/draft", data=fields)
        return answer.status_code, answer.headers.get("location", answer.text)

    for numbers, words in ((ids[:2], "2 of 3: 1 missing"), (ids, "exactly 3: 2 too many")):
        status, page = await proposed(numbers)
        assert status == 422
        assert words in page
        assert "All ticks are saved" in page
        assert page.count(" checked") == len(numbers)
        assert await ticked(staff_app, small) == numbers
        assert (await first.get(f"{SHORTLIST}/propose")).status_code == 422
    assert await proposed(ids[:3]) == (303, f"{SHORTLIST}/propose")
    question = (await first.get(f"{SHORTLIST}/propose")).text
    assert "final: nobody can be added, returned or judged again" in question
    for number in ids[:3]:
        assert f'name="recommendation" value="{number}"' in question
    assert not await staff_app.database.fetchval("select count(*) from approval_requests")
    answer = await first.post(SHORTLIST, data={"recommendation": ids[:3]})
    assert answer.headers["location"] == f"{SHORTLIST}?done=proposed"
    bare = await first.post(SHORTLIST, data={"recommendation": ids[:2]})
    assert (bare.status_code, "2 of 3: 1 missing" in bare.text) == (422, True)


async def test_a_draft_follows_the_reviews_and_ends_with_the_decision(
    staff_app: StaffApp, small: Chosen
) -> None:
    ids = await store_submitted(staff_app, small, 4)
    actor = await reviewer(staff_app, small)
    await save_draft(actor, ids[:3], [])
    await give_verdict(actor, ids[0], "reopened", "再看")
    first, _ = await two_clients(staff_app)
    page = (await first.get(SHORTLIST)).text
    assert f"Recommendation {ids[0]} (人选{ids[0]}) in the draft is not accepted any more" in page
    assert "2 of 3 chosen" in page
    await give_verdict(actor, ids[0], "accepted", "")
    assert await ticked(staff_app, small) == ids[:3], "it is back with its tick"
    await pick(staff_app, small, ids[:3])
    late = {"seen": seen(ids[:3]), "recommendation": ids[1:]}
    answer = await first.post(f"{SHORTLIST}/draft.json", data=late)
    assert answer.status_code == 409
    assert await ticked(staff_app, small) == ids[:3]


async def test_a_session_that_ends_keeps_the_ticks_without_scripts(
    staff_app: StaffApp, small: Chosen
) -> None:
    ids = await store_submitted(staff_app, small, 4)
    first, _ = await two_clients(staff_app)
    mark = await open_mark(first, SHORTLIST)
    await end_sessions(staff_app)
    lost = {"seen": "", "recommendation": ids[:2], "go": "save", "csrf": mark}
    answer = await first.post(f"{SHORTLIST}/draft", data=lost)
    assert answer.headers["location"] == f"/sign-in?next={SHORTLIST}&kept=yes"
    again = await staff_app.signed_in_client("reviewer")
    page = (await again.get(SHORTLIST)).text
    assert "data-kept" in page
    assert page.count(" checked") == 2
    assert await ticked(staff_app, small) == [], "shown again, not saved by itself"


async def test_english_is_optional_and_its_limit_fits(staff_app: StaffApp, small: Chosen) -> None:
    ids = await store_submitted(staff_app, small, 3)
    await pick(staff_app, small, ids)
    await draw(staff_app, small)
    (submitted, *_) = await load_submitted_recommendations(
        staff_app.database, personal_keys(staff_app), small.selection, ids
    )
    profile = draft_profile(submitted)
    assert profile_faults(profile, submitted) == (), "Chinese alone is enough"
    first, _ = await two_clients(staff_app)
    form = {
        f"{name}.{language}": text
        for name in ("name", "trade", "district", "summary", "story")
        for language, text in (("zh", "焊工"), ("en", ""))
    }
    english = {"summary": 1200, "story": 6000}
    for field, limit in english.items():
        assert text_limit(field, "en") == limit
        for letters, expected in ((limit, {}), (limit + 1, {f"{field}.en"})):
            typed = {**form, f"{field}.en": "e" * letters, "revision": "0"}
            answer = await first.post(f"{SHORTLIST}/{ids[0]}/check", data=typed)
            assert set(answer.json()["faults"]) == set(expected)
    missing = {**form, "story.zh": "", "story.en": "English only", "revision": "0"}
    answer = await first.post(f"{SHORTLIST}/{ids[0]}/check", data=missing)
    assert list(answer.json()["faults"]) == ["story.zh"]

    long = {**form, "story.en": "e" * 6000, "revision": "0"}
    assert (await first.post(f"{SHORTLIST}/{ids[0]}", data=long)).status_code == 303
    page = (await first.get(SHORTLIST)).text
    assert "Ready" in page
    candidates = tuple(
        ShortlistedCandidate(number=n, submitted=submitted, profile=profile, photo=b"")
        for n in (1, 2, 3)
    )
    settings = default_settings(small.selection, staff_app.clock())
    contest = load_contest_file(contest_text(settings, candidates))
    assert contest.candidates[0].story.en == submitted.form.deeds, "the Chinese stands for both"


async def test_the_choice_over_two_days_in_a_browser(
    staff_app: StaffApp,
    small: Chosen,
    clock: MovedClock,
    desktop: Page,
    chromium: Browser,
    guard: Guard,
) -> None:
    guard.expect(r"401 .*draft\.json")
    guard.expect(r"422 .*shortlist/draft")
    ids = await store_submitted(staff_app, small, 5)
    status = desktop.locator("[data-save-status]")
    await staff_app.sign_in(desktop, "reviewer", SHORTLIST)
    await desktop.check(f"#pick-{ids[0]}")
    await expect(status).to_contain_text("已自动保存")
    await desktop.goto(f"{staff_app.origin}{PATH}/review")
    await desktop.goto(f"{staff_app.origin}{SHORTLIST}")
    await expect(desktop.locator(f"#pick-{ids[0]}")).to_be_checked()
    await expect(desktop.locator("[data-chosen]")).to_have_text("已选 1 人，须选 3 人，还差 2 人")

    # The session ends with a tick not saved. The sign-in is offered, and saving goes on after it.
    await end_sessions(staff_app)
    await desktop.check(f"#pick-{ids[1]}")
    await expect(desktop.locator("[data-sign-in]")).to_be_visible()
    await assert_accessible(desktop)
    token = await staff_app.token("reviewer")
    cookie = {"name": "staff", "value": token, "url": staff_app.origin}
    await desktop.context.add_cookies([cookie])  # type: ignore[list-item]
    await desktop.evaluate("dispatchEvent(new Event('focus'))")
    await expect(status).to_contain_text("已自动保存")
    assert await ticked(staff_app, small) == ids[:2]

    # The next day, in a new session; what a colleague ticks is shown.
    clock.offset += timedelta(days=1)
    async with open_page(chromium, guard, **DESKTOP) as later:
        await staff_app.sign_in(later, "reviewer", SHORTLIST)
        await expect(later.locator("input[name=recommendation]:checked")).to_have_count(2)
        await expect(later.locator(f"[data-mark='{ids[1]}']")).to_contain_text("reviewer-1于")
        colleague = await staff_app.signed_in_client("supervisor")
        theirs = {"seen": seen(ids[:2]), "recommendation": ids[:3]}
        await colleague.post(f"{SHORTLIST}/draft.json", data=theirs)
        await later.check(f"#pick-{ids[3]}")
        await expect(later.locator("[data-theirs]")).to_contain_text(f"+ 人选{ids[2]}")
        await expect(later.locator("[data-chosen]")).to_contain_text("多出 1 人")
        await later.click("text=提请审批这份名单")
        await expect(later.locator("[role=alert]")).to_contain_text(
            "已选 4 人，须选 3 人，多出 1 人"
        )
        await later.uncheck(f"#pick-{ids[3]}")
        await later.click("text=提请审批这份名单")
        await expect(later.locator("h1")).to_have_text("提请审批这 3 名入围人选？")
        await assert_accessible(later)
        await later.click("text=确认提请审批这 3 人")
        await expect(later.locator("[role=status]").first).to_contain_text("已提请审批")
    assert await waiting_decision(staff_app, small)


async def test_while_a_proposal_waits_nothing_is_ticked_and_a_later_deadline_is_said(
    staff_app: StaffApp, small: Chosen
) -> None:
    ids = await store_submitted(staff_app, small, 4)
    first, second = await two_clients(staff_app)
    settings = f"{PATH}/settings"
    assert "data-shortlist-waits" not in (await first.get(settings)).text
    await propose_shortlist(await reviewer(staff_app, small), ids[:3])
    own, theirs = (await first.get(SHORTLIST)).text, (await second.get(SHORTLIST)).text
    assert ("Why it is withdrawn" in own, "Why it is rejected" in own) == (True, False)
    assert ("Why it is withdrawn" in theirs, "Why it is rejected" in theirs) == (False, True)
    for page in (own, theirs):
        assert 'class="chosen-bar"' not in page
        assert 'value="propose"' not in page
        assert "<details open>" in page
        assert page.count(" disabled>") == 4
        assert "data-extended-since" not in page

    until = staff_app.clock() + timedelta(days=2)
    local = f"{until.astimezone(small.selection.zone):%Y-%m-%dT%H:%M}"
    assert "data-shortlist-waits" in (await first.get(settings)).text
    form = {"closes_at": local, "reason": "暴雨"}
    assert (await first.post(f"{settings}/change/deadline", data=form)).status_code == 303
    assert "A later deadline for recommendations waits" in (await second.get(SHORTLIST)).text
    assert (await second.get(settings)).text.count("data-shortlist-waits") == 2
    change = await staff_app.database.fetchval(
        "select id from approval_requests where kind = 'selection_settings'"
    )
    assert (await second.post(f"{settings}/{change}/approve", data={})).status_code == 303
    page = (await second.get(SHORTLIST)).text
    assert "data-extended-since" in page
    assert "A later deadline for recommendations waits" not in page
