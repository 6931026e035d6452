"""Settings at the console: what may be changed, who it takes, and what the public reads of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import get_args

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import Browser, Page

from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    tab_to,
)
from tests.browser.chromium import TIMEOUT_MS
from tests.browser.pages import press_and_confirm
from tests.contest_data import (
    SLUG,
    rules,
    store_contest,
    store_platform,
)
from tests.cut_data import StoredBallot, insert_ballots
from tests.fakes.signers import Ed25519Signer
from tests.patience import eventually
from tests.picture_files import jpeg
from tests.sites.console.running_staff_app import (
    StaffApp,
    StaffClient,
    running_staff_app,
)
from tests.sites.public.api.running_service import MovedClock
from tests.sites.public.public_site import public_site
from tests.staff.audit_log.chained import stored
from voting_service.contests.model import Contest, Organiser, ReleaseSchedule
from voting_service.contests.platform_registration import public_jwk
from voting_service.contests.repository import load_contest, load_platforms
from voting_service.contests.settings.model import (
    SETTINGS,
    Setting,
    Why,
)
from voting_service.contests.settings.repository import load_changes
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import LANGUAGES, Language, Text
from voting_service.settings import Settings
from voting_service.sites.console.settings.release_preview import (
    WIDTH,
    spans,
    time_line,
)
from voting_service.sites.shared.signed_in.access import csrf_token

BASE = f"/contests/{SLUG}/settings"
ENGLISH = {"accept": "text/html", "accept-language": "en"}
WHY = {"reason_zh": "机房停电两小时", "reason_en": "No power for two hours"}


def later(contest: Contest, hours: int = 2) -> dict[str, str]:
    """The form that moves the close."""
    moment = (contest.closes_at + timedelta(hours=hours)).astimezone(contest.zone)
    return {"moment": moment.strftime("%Y-%m-%dT%H:%M"), **WHY}


async def propose_close(client: StaffClient, staff_app: StaffApp) -> int:
    answer = await client.post(f"{BASE}/change/closes_at", data=later(staff_app.contest))
    assert answer.headers["location"] == f"{BASE}?done=proposed", answer.text
    decision: int = await staff_app.database.fetchval("select max(id) from approval_requests")
    return decision


async def contest_now(staff_app: StaffApp) -> Contest:
    return await load_contest(staff_app.database, SLUG)


async def test_two_people_move_the_close(staff_app: StaffApp) -> None:
    first = await staff_app.signed_in_client("tally_clerk")
    second = await staff_app.signed_in_client("supervisor")
    decision = await propose_close(first, staff_app)
    assert await contest_now(staff_app) == staff_app.contest
    page = (await first.get(BASE)).text
    assert "You proposed this" in page and f"{decision}/approve" not in page
    alone = await first.post(f"{BASE}/approvals/{decision}/approve", data={})
    assert alone.status_code in {403, 409}
    assert await contest_now(staff_app) == staff_app.contest

    page = (await second.get(BASE)).text
    assert f"{decision}/approve" in page and "No power for two hours" in page
    answer = await second.post(f"{BASE}/approvals/{decision}/approve", data={})
    assert answer.headers["location"] == f"{BASE}?done=approved"
    moved = (await contest_now(staff_app)).closes_at - staff_app.contest.closes_at
    assert timedelta(hours=1, minutes=58) < moved <= timedelta(hours=2)
    page = (await second.get(BASE)).text
    assert "proposed by tally_clerk-1, approved by supervisor-1" in page
    acts = [(line.actor, line.act) for line in await stored(staff_app.database)]
    assert ("supervisor-1", "contest_changed") in acts


@pytest.mark.parametrize("role", ["auditor", "administrator", "reviewer"])
async def test_others_change_nothing(staff_app: StaffApp, role: str) -> None:
    decision = await propose_close(await staff_app.signed_in_client("tally_clerk"), staff_app)
    await store_platform(staff_app.database, "demo")
    other = await staff_app.signed_in_client(role)  # type: ignore[arg-type]
    assert (await other.get(BASE)).status_code == (200 if role == "auditor" else 403)
    for path, form in (
        (f"{BASE}/change/closes_at", later(staff_app.contest)),
        (f"{BASE}/platforms/demo", {"enabled": "no", **WHY}),
        (f"{BASE}/approvals/{decision}/approve", {}),
        (f"{BASE}/approvals/{decision}/decline", {"because": "no"}),
    ):
        assert (await other.post(path, data=form)).status_code == 403, path
    assert (await other.get(f"{BASE}/change/closes_at")).status_code == 403
    assert await contest_now(staff_app) == staff_app.contest
    assert (await load_platforms(staff_app.database))[0].enabled


async def test_a_stolen_session_and_another_site_change_nothing(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    decision = await propose_close(clerk, staff_app)
    forged = await supervisor.post(f"{BASE}/approvals/{decision}/approve", data={"csrf": "0" * 32})
    assert forged.status_code == 403
    foreign = await supervisor.post(
        f"{BASE}/approvals/{decision}/approve", data={}, headers={"origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
    staff_app.clock.offset += timedelta(minutes=6)
    for path in (f"{BASE}/approvals/{decision}/approve", f"{BASE}/change/closes_at"):
        answer = await supervisor.post(path, data=later(staff_app.contest))
        assert answer.headers["location"].startswith("/confirm?next=")
    assert await contest_now(staff_app) == staff_app.contest


async def test_refusals_come_back_with_the_form_and_say_why(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    past = {"moment": "2020-01-01T00:00", **WHY}
    answer = await clerk.post(f"{BASE}/change/closes_at", data=past)
    assert answer.status_code == 409
    assert "must become public first" in answer.text and "No power for two hours" in answer.text
    answer = await clerk.post(f"{BASE}/change/closes_at", data={**later(staff_app.contest),
                                                               "reason_zh": " "})  # fmt: skip
    assert answer.status_code == 422 and "reason.zh: is empty" in answer.text
    answer = await clerk.post(f"{BASE}/change/blackout_hours", data={"number": "-1", **WHY})
    assert answer.status_code == 422 and "whole number" in answer.text
    for setting in ("ballot", "cut", "opens_at", "release", "list_order", "publish_at"):
        page = await clerk.get(f"{BASE}/change/{setting}")
        assert "This cannot be changed now" in page.text and "<textarea" not in page.text
        answer = await clerk.post(
            f"{BASE}/change/{setting}",
            data={"min_choices": "1", "max_choices": "2", "every": "day", "size": "2",
                  "tie": "lot", "mode": "live", "order": "number", "when": "opening",
                  **later(staff_app.contest)},
        )  # fmt: skip
        assert answer.status_code == 409, setting
    assert (await clerk.get(f"{BASE}/change/time_zone")).status_code == 404
    assert await contest_now(staff_app) == staff_app.contest


async def test_a_proposal_of_another_contest_is_not_found_here(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    decision = await propose_close(clerk, staff_app)
    key = staff_app.settings.master_key.get_secret_value()
    await store_contest(staff_app.database, key, slug="other-2022")
    await staff_app.refresh()
    for act in ("approve", "decline"):
        answer = await supervisor.post(
            f"/contests/other-2022/settings/approvals/{decision}/{act}", data={"because": "x"}
        )
        assert answer.status_code == 404
    assert await contest_now(staff_app) == staff_app.contest


async def test_a_stale_proposal_can_only_be_declined(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    first = await propose_close(clerk, staff_app)
    await clerk.post(f"{BASE}/change/blackout_hours", data={"number": "3", **WHY})
    await supervisor.post(f"{BASE}/approvals/{first}/approve", data={})
    page = (await supervisor.get(BASE)).text
    assert "Decline this and propose it again" in page and f"{first + 1}/approve" not in page
    answer = await supervisor.post(f"{BASE}/approvals/{first + 1}/approve", data={})
    assert answer.status_code == 409
    answer = await supervisor.post(
        f"{BASE}/approvals/{first + 1}/decline", data={"because": "stale"}
    )
    assert answer.headers["location"] == f"{BASE}?done=declined"
    assert (await contest_now(staff_app)).rules.release.blackout_hours == 0


async def test_platforms_and_their_votes_today(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    platform = await store_platform(staff_app.database, "demo", daily_ceiling=5000)
    now, ago = staff_app.clock(), staff_app.clock() - timedelta(days=1)
    await insert_ballots(
        staff_app.database,
        staff_app.contest,
        [StoredBallot([1, 2], at, platform) for at in (now, now, now, ago)],
    )
    page = (await clerk.get(BASE)).text
    assert re.search(r'<td class="figure"[^>]*>3</td>\s*<td class="figure"[^>]*>5,000</td>', page)
    off = await clerk.post(f"{BASE}/platforms/demo", data={"enabled": "no", **WHY})
    assert off.headers["location"] == f"{BASE}?done=changed"
    assert not (await load_platforms(staff_app.database))[0].enabled
    again = await clerk.post(f"{BASE}/platforms/demo", data={"enabled": "no", **WHY})
    assert again.status_code == 409 and "already off" in again.text
    on = await clerk.post(f"{BASE}/platforms/demo", data={"enabled": "yes", **WHY})
    assert on.headers["location"] == f"{BASE}?done=proposed"
    assert not (await load_platforms(staff_app.database))[0].enabled
    decision = await staff_app.database.fetchval("select max(id) from approval_requests")
    assert (await clerk.post(f"{BASE}/approvals/{decision}/approve", data={})).status_code != 303
    assert "demo: suspended" in (await supervisor.get(BASE)).text
    await supervisor.post(f"{BASE}/approvals/{decision}/approve", data={})
    assert (await load_platforms(staff_app.database))[0].enabled
    assert len(await load_changes(staff_app.database, staff_app.contest.id)) == 2
    assert (await clerk.get(f"{BASE}/platforms/paper")).status_code == 404


KEYS = [Ed25519Signer().jwk(kid) for kid in "AC"]


def change_form(**changes: str) -> dict[str, str]:
    """The form as the page has it for the platform demo, apart from what is changed."""
    form = {"name_zh": "demo", "name_en": "demo", "daily_ceiling": "5000", "origins": "",
            "add_keys": "", "jwks_url": "", "end_sessions": "if_removed"}  # fmt: skip
    return {**form, **changes, **WHY}


async def post_file(
    client: StaffClient, below: str, form: dict[str, str], logo: bytes
) -> httpx.Response:
    """Send a form as browsers do, with a logo or without."""
    fields = {**form, "csrf": csrf_token(client.token)}
    file = ("logo.jpg" if logo else "", logo)
    return await client.post(f"{BASE}/{below}", data=fields, files={"logo": file})


async def post_change(
    client: StaffClient, form: dict[str, str], *, logo: bytes = b""
) -> httpx.Response:
    """Send the form of the platform demo."""
    return await post_file(client, "platforms/demo/change", form, logo)


async def test_two_people_change_a_platform(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    await store_platform(staff_app.database, "demo", KEYS, daily_ceiling=5000)
    before = (await load_platforms(staff_app.database))[0]
    page = (await clerk.get(f"{BASE}/platforms/demo/change")).text
    assert "another person must approve" in page and "Remove A" in page and "Remove C" in page
    pem = (
        Ed25519Signer()
        .key.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    form = change_form(
        name_en="The demo", daily_ceiling="", origins="https://a.example\r\nhttps://b.example",
        add_keys=pem.decode(), remove_1="A", entrance="https://app.example/vote", app_zh="客户端",
        app_en="The App",
    )  # fmt: skip
    answer = await post_change(clerk, form, logo=jpeg(600, 300))
    assert answer.headers["location"] == f"{BASE}?done=proposed", answer.text
    assert (await load_platforms(staff_app.database))[0] == before
    waiting = (await supervisor.get(BASE)).text
    for words in ("change of platform demo", "demo / The demo", "https://a.example, https://b",
                  "客户端 / The App", "https://app.example/vote",
                  "voters sign in again", "5,000 → <strong>none"):  # fmt: skip
        assert words in waiting
    [logo] = re.findall(r'<img class="logo" src="([^"]+)" width="320" height="160"', waiting)
    assert (await supervisor.get(logo)).headers["content-type"] == "image/png"
    assert (await supervisor.get(logo.replace("320", "321"))).status_code == 404
    assert "change of platform demo" in (await supervisor.get("/")).text
    decision = await staff_app.database.fetchval("select max(id) from approval_requests")
    approve = f"{BASE}/approvals/{decision}/approve"
    assert (await clerk.post(approve, data={})).status_code in {403, 409}
    assert (await supervisor.post(approve, data={})).headers["location"].endswith("approved")
    after = (await load_platforms(staff_app.database))[0]
    assert after.id == before.id and after.sessions_not_before is not None
    kids = [key["kid"] for key in after.config["keys"]]
    assert kids == ["C", public_jwk(pem)["kid"]]
    assert (after.name.en, after.daily_ceiling) == ("The demo", None)
    assert after.origins == ("https://a.example", "https://b.example")
    assert after.entrance == "https://app.example/vote"
    assert after.app_name == Text("客户端", "The App")
    assert after.logo is not None and after.logo.url == logo
    async with public_site(staff_app.settings, staff_app.clock) as client:
        assert f'src="{logo}"' in (await client.get("/enter", headers=ENGLISH)).text
        assert (await client.get(logo)).headers["content-type"] == "image/png"
    page = (await clerk.get(BASE)).text
    assert "Sign-in keys of a platform" in page and "earlier sign-ins ended" in page
    assert (await clerk.get(f"/contests/{SLUG}/approvals")).status_code == 200


async def test_a_faulty_change_of_a_platform_comes_back_with_the_form(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    await store_platform(staff_app.database, "demo", KEYS, daily_ceiling=5000)
    for changes, status, words in (
        ({}, 409, "nothing would change"),
        ({"name_zh": " "}, 422, "name.zh"),
        ({"add_keys": "ssh-ed25519 AAAA"}, 422, "key 1"),
        ({"remove_1": "A", "remove_2": "C"}, 422, "at least one key must stay"),
        ({"origins": "http://a.example"}, 422, "origin http://a.example"),
        ({"entrance": "http://a.example/vote"}, 422, "entrance: must begin with https"),
        ({"entrance": "https://a.example/" + "x" * 300}, 422, "at most 300 characters"),
        ({"app_zh": "客户端"}, 422, "app.en"),
        ({"daily_ceiling": "many"}, 422, "whole number"),
        ({"jwks_url": "http://keys.example"}, 422, "jwks_url"),
        ({"jwks_url": "http://127.0.0.1:9/jwks"}, 422, "127.0.0.1:9"),
        ({"name_en": "Other"}, 409, "invite a second person"),
    ):
        answer = await post_change(clerk, change_form(**changes))
        assert (answer.status_code, words in answer.text) == (status, True), (changes, answer.text)
        assert "No power for two hours" in answer.text, "the form as it was filled in"
    no_picture = await post_change(clerk, change_form(), logo=b"GIF89a")
    assert no_picture.status_code == 422
    assert await staff_app.database.fetchval("select count(*) from approval_requests") == 0


async def test_a_platform_is_switched_off_though_the_tally_waits_for_a_rebuild(
    staff_app: StaffApp,
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    await store_platform(staff_app.database, "demo", daily_ceiling=5000)
    await staff_app.database.execute(
        "insert into tally_floors values ($1, '3', now(), 1)", staff_app.contest.id
    )
    page = (await clerk.get(BASE)).text
    assert re.search(r'<td class="figure"[^>]*>–</td>\s*<td class="figure"[^>]*>5,000</td>', page)
    await clerk.post(f"{BASE}/platforms/demo", data={"enabled": "no", **WHY})
    assert not (await load_platforms(staff_app.database))[0].enabled


FORMS: dict[Setting, dict[str, str]] = {
    "title": {"zh": "新题", "en": "New title"},
    "theme": {"zh": "匠心", "en": "Craft"},
    "introduction": {"zh": "介绍", "en": "About"},
    "organisers": {
        "organisers[1].role.zh": "主办",
        "organisers[1].role.en": "Host",
        "organisers[1].name.zh": "工会",
        "organisers[1].name.en": "Union",
    },
    "own_rules": {"zh": "补充规则", "en": "Further rules"},
    "contact": {"zh": "请致电 12333", "en": "Call 12333"},
    "telephone": {"text": "023-12333"},
    "email": {"text": "vote@example.org"},
    "address": {"zh": "渝中区", "en": "Yuzhong"},
    "logo": {"logo": "logo.jpg"},
    "publish_at": {"when": "opening", "moment": ""},
    "opens_at": {},
    "closes_at": {},
    "release": {"mode": "daily", "daily_at": "18:30"},
    "blackout_hours": {"number": "24"},
    "list_order": {"order": "number"},
    "expected_voters_per_day": {"number": "5000000"},
    "ballot": {"min_choices": "2", "max_choices": "4", "every": "contest"},
    "cut": {"size": "2", "tie": "lot", "zh": "首期", "en": "The first draw", "panel": "yes"},
}


async def test_before_the_profiles_are_out_one_person_changes_everything(
    settings: Settings, clock: MovedClock
) -> None:
    opens_at = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=9)
    async with running_staff_app(
        settings, clock, rules=rules(), opens_at=opens_at, closes_at=opens_at + timedelta(days=30)
    ) as staff_app:
        local = (opens_at + timedelta(days=1)).astimezone(staff_app.contest.zone)
        moment = {"moment": local.strftime("%Y-%m-%dT%H:%M")}
        clerk = await staff_app.signed_in_client("tally_clerk")
        order = ["publish_at", *(s for s in SETTINGS if s != "publish_at")]
        await clerk.post(f"{BASE}/change/publish_at", data={"when": "moment", "moment": (
            local - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M"), **WHY})  # fmt: skip
        for setting in order:
            assert (await clerk.get(f"{BASE}/change/{setting}")).status_code == 200
            form = {**FORMS[setting], **({} if FORMS[setting] else moment)}  # type: ignore[index]
            if setting == "closes_at":
                form = later(staff_app.contest)
            if setting == "logo":
                answer = await post_file(clerk, "change/logo", WHY, jpeg(600, 300))
            else:
                answer = await clerk.post(f"{BASE}/change/{setting}", data={**form, **WHY})
            assert answer.headers["location"] == f"{BASE}?done=changed", (setting, answer.text)
        changed = await contest_now(staff_app)
        assert changed.revision == staff_app.contest.revision + len(order) + 1
        assert changed.opens_at == opens_at + timedelta(days=1)
        assert changed.rules.publish_at is None
        assert changed.rules.organisers == (Organiser(Text("主办", "Host"), Text("工会", "Union")),)
        assert (changed.rules.telephone, changed.rules.cut.panel) == ("023-12333", True)
        assert changed.logo is not None and (changed.logo.width, changed.logo.height) == (320, 160)
        logo = await clerk.get(changed.logo.url)
        assert logo.headers["content-type"] == "image/png"
        refused = await post_file(clerk, "change/logo", WHY, b"")
        assert refused.status_code == 422 and "choose a file, or tick" in refused.text
        assert (await contest_now(staff_app)).logo is not None, "a lost file removes nothing"
        removal = await post_file(clerk, "change/logo", {"remove_logo": "yes", **WHY}, b"")
        assert removal.headers["location"] == f"{BASE}?done=changed"
        assert (await contest_now(staff_app)).logo is None
        release = changed.rules.release
        assert (release.mode, str(release.daily_at), release.blackout_hours) == (
            "daily", "18:30:00", 24,
        )  # fmt: skip
        names = [change.setting for change in await load_changes(staff_app.database, changed.id)]
        assert set(names) == set(SETTINGS)
        page = (await clerk.get(BASE)).text
        assert "Host: Union" in page and "Further rules" in page
        assert "experts judge the finalists" in page


def contest_with(release: ReleaseSchedule) -> Contest:
    opens = datetime(2022, 7, 18, 1, 0, tzinfo=UTC)
    closes = datetime(2022, 8, 17, 10, 0, tzinfo=UTC)
    return Contest(1, SLUG, rules(release=release), opens, closes, 1, ())


def test_what_the_public_sees_follows_the_schedule() -> None:
    live = contest_with(ReleaseSchedule("live", None, 24))
    freezes = live.closes_at - timedelta(hours=24)
    seen = [span for span in spans(live, live.opens_at) if span]
    assert [(s.begins, s.ends, s.kind, s.moment) for s in seen] == [
        (live.opens_at, freezes, "live", None),
        (freezes, None, "snapshot", freezes),
    ]
    assert [s.kind for s in spans(live, freezes) if s] == ["snapshot"]
    hidden = spans(contest_with(ReleaseSchedule("hidden")), live.opens_at)
    assert [(s.kind, s.moment, s.ends) for s in hidden if s] == [("hidden", None, None)]
    daily = contest_with(ReleaseSchedule("daily", datetime(2022, 1, 1, 20).time(), 0))
    rows = spans(daily, daily.opens_at)
    assert len(rows) == 6 and rows.count(None) == 1
    assert rows[0] is not None and rows[0].kind == "hidden"
    assert rows[-1] is not None and rows[-1].moment == daily.closes_at


def test_moments_on_the_time_line_stand_apart() -> None:
    contest = contest_with(ReleaseSchedule("live", None, 1))
    marks, here = time_line(contest, contest.opens_at + timedelta(days=15))
    assert [mark.name for mark in marks] == ["opens_at", "blackout", "closes_at"]
    assert [mark.is_past for mark in marks] == [True, False, False]
    assert marks[-1].x - marks[-2].x >= 30
    assert abs(here - WIDTH / 2) < 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_has_its_words(language: Language) -> None:
    reasons = load_catalogue("settings", language)["why"]
    assert set(reasons) == {*get_args(Why), "stale"}


async def test_two_people_move_the_close_and_the_public_reads_it(
    staff_app: StaffApp, desktop: Page, second_desktop: Page, chromium: Browser
) -> None:
    await store_platform(staff_app.database, "demo")
    await staff_app.sign_in(desktop, "tally_clerk", BASE)
    await assert_accessible(desktop)
    await assert_nothing_lost(desktop)
    await tab_to(desktop, "变更投票截止时间")
    async with desktop.expect_navigation():
        await desktop.keyboard.press("Enter")
    await assert_accessible(desktop)
    await desktop.fill("#moment", later(staff_app.contest)["moment"])
    await desktop.fill("#reason_zh", WHY["reason_zh"])
    await desktop.fill("#reason_en", WHY["reason_en"])
    await tab_to(desktop, "提请变更")
    async with desktop.expect_navigation():
        await desktop.keyboard.press("Enter")
    await desktop.wait_for_selector("text=已提请审批，等待另一人批准。")
    assert await desktop.get_by_role("button", name="批准并立即生效").count() == 0
    await assert_accessible(desktop)

    await staff_app.sign_in(second_desktop, "supervisor", BASE)
    await assert_accessible(second_desktop)
    async with public_site(staff_app.settings, staff_app.clock) as client:
        public = str(client.base_url)
        citizen = await (await chromium.new_context(locale="zh-CN")).new_page()
        citizen.set_default_timeout(TIMEOUT_MS)
        await citizen.goto(f"{public}/zh/{SLUG}/rules")
        assert "规则变更" not in await citizen.inner_text("main")
        async with second_desktop.expect_navigation():
            await press_and_confirm(second_desktop, "批准并立即生效")
        await second_desktop.wait_for_selector("text=变更已生效")
        await second_desktop.click("text=English")
        await second_desktop.wait_for_selector(
            "text=proposed by tally_clerk-1, approved by supervisor-1"
        )
        await assert_accessible(second_desktop)

        async def shows() -> bool:
            await citizen.reload()
            return "规则变更" in await citizen.inner_text("main")

        await eventually(shows)
        text = await citizen.inner_text("main")
        assert "投票截止时间" in text and "原因：机房停电两小时" in text
        await assert_accessible(citizen)
        await citizen.goto(f"{public}/en/{SLUG}/rules")
        assert "Reason: No power for two hours" in await citizen.inner_text("main")
        await citizen.context.close()


async def test_two_people_change_a_key_and_the_public_reads_it(
    staff_app: StaffApp, desktop: Page, second_desktop: Page
) -> None:
    await store_platform(staff_app.database, "demo", KEYS)
    await staff_app.sign_in(desktop, "tally_clerk", BASE)
    await tab_to(desktop, "变更demo")
    async with desktop.expect_navigation():
        await desktop.keyboard.press("Enter")
    await assert_accessible(desktop)
    await assert_nothing_lost(desktop)
    await desktop.get_by_label("删除 A").check()
    await desktop.fill("#reason_zh", WHY["reason_zh"])
    await desktop.fill("#reason_en", WHY["reason_en"])
    await staff_app.sign_in(second_desktop, "supervisor", BASE)
    async with desktop.expect_navigation():
        await desktop.get_by_role("button", name="提请变更").click()
    assert "已提请审批，等待另一人批准。" in await desktop.inner_text("main")
    await second_desktop.reload()
    await assert_accessible(second_desktop)
    async with second_desktop.expect_navigation():
        await press_and_confirm(second_desktop, "批准并立即生效")
    await second_desktop.wait_for_selector("text=此前的登录全部失效")
    await assert_accessible(second_desktop)
    assert [key["kid"] for key in (await load_platforms(staff_app.database))[0].config["keys"]] == [
        "C"
    ]
