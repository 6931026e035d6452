"""A session that ends at any step loses no character, with and without scripts."""

from __future__ import annotations

from html.parser import HTMLParser

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.guard import Guard
from tests.browser.pages import PHONE, open_page
from tests.nomination.form.people import complete_form
from tests.sites.console.kept_forms import end_sessions, open_mark
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, seat_officer
from tests.sites.nomination.recommendations.posting import LIST, post_step
from tests.sites.nomination.recommendations.recommendation_data import (
    PHOTO,
    drafted_in_north,
    person,
)
from tests.sites.nomination.recommendations.test_two_officers import open_page_as, stored_form
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.sites.nomination.recommendations.form_steps import (
    STEPS,
    Values,
    apply_values,
    posted_values,
    step_values,
)
from voting_service.staff.accounts.model import Account

LONG = "第一行 <b>&amp;\n\n" + "长" * 3000


def typed_form() -> RecommendationForm:
    """Texts of full length, also such as look like HTML."""
    return msgspec.structs.replace(complete_form(), deeds=LONG, employer='厂 "A" <\'>&amp;')


class _ShownForm(HTMLParser):
    """What the recommendation's form of a page would post."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._in_form = False
        self._area = ""
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._in_form = given.get("class") == "recommendation"
        if not self._in_form:
            return
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "textarea":
            self._area = name
            self.values.setdefault(name, [""])
        elif tag == "select":
            self._select = name
            self.values.setdefault(name, [""])
        elif tag == "option" and "selected" in given:
            self.values[self._select] = [given["value"]]
        elif (
            tag == "input"
            and kind != "file"
            and (kind not in ("radio", "checkbox") or "checked" in given)
        ):
            self.values.setdefault(name, []).append(given.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.values[self._area][0] = self.values[self._area][0].removeprefix("\n")
            self._area = ""
        elif tag == "form":
            self._in_form = False


def shown_values(page: str) -> dict[str, list[str]]:
    """Return what the recommendation's form of a page would post."""
    return _ShownForm(page).values


@pytest.mark.parametrize("step", STEPS)
async def test_every_step_is_filled_in_again_after_the_sign_in(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account, step: str
) -> None:
    empty = RecommendationForm()
    recommendation = await drafted_in_north(staff_app, keys, chosen, officer, empty)
    [place] = [name for name in STEPS if name == step]
    path = f"{LIST}/{recommendation.id}/steps/{step}"
    client = await staff_app.signed_in_client("recommender", officer.name)
    mark = await open_mark(client, path)
    await end_sessions(staff_app)
    fields = {
        name: value
        for name, value in step_values(typed_form(), place).items()
        if isinstance(value, str)
    }
    answer = await post_step(
        client, recommendation.id, place, fields, mark=mark, files={"photo": ("a.jpg", PHOTO)}
    )
    assert answer.headers["location"] == f"/sign-in?next={path}&kept=yes"

    colleague = await seat_officer(staff_app, chosen.bodies["north"], "colleague")
    theirs = await staff_app.signed_in_client("recommender", colleague.name)
    assert "data-kept" not in (await theirs.get(path)).text
    later = await staff_app.signed_in_client("recommender", officer.name)
    page = (await later.get(path)).text
    assert "choose them again" in page
    assert await stored_form(staff_app, chosen, keys) == empty, "nothing is saved by itself"
    shown = shown_values(page)
    assert {name: shown.get(name, [""])[0] for name in fields} == fields

    saved = await later.post(
        path, files=[(name, (None, text)) for name, texts in shown.items() for text in texts]
    )
    assert saved.status_code == 303
    expected, _ = apply_values(
        empty, place, posted_values(place, shown), chosen.selection.rules.industries
    )
    assert await stored_form(staff_app, chosen, keys) == expected
    assert "data-kept" not in (await later.get(path)).text


async def test_after_a_change_in_another_window_the_kept_step_shows_both(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    form = person(1)
    recommendation = await drafted_in_north(staff_app, keys, chosen, officer, form)
    path = f"{LIST}/{recommendation.id}/steps/deeds"
    client = await staff_app.signed_in_client("recommender", officer.name)
    mark = await open_mark(client, path)
    await end_sessions(staff_app)
    await post_step(client, recommendation.id, "deeds", {"deeds": "我写的"}, seen=form, mark=mark)
    later = await staff_app.signed_in_client("recommender", officer.name)
    theirs = {"deeds": "另一个窗口写的", "skills": "另一个窗口的技能"}
    await post_step(later, recommendation.id, "deeds", theirs, seen=form)
    shown = shown_values((await later.get(path)).text)
    assert shown["deeds"] == ["我写的"]
    both = await later.post(
        path, files=[(name, (None, text)) for name, texts in shown.items() for text in texts]
    )
    assert both.status_code == 409
    assert shown_values(both.text)["deeds"] == ["我写的"]
    assert "另一个窗口写的" in both.text
    assert shown_values(both.text)["skills"] == ["另一个窗口的技能"], "only the other changed it"


async def test_the_faults_shown_are_those_of_what_was_put_back(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    good = person(1)
    bad = msgspec.structs.replace(good, id_number="500101198005170111", employer_postcode="1")
    for saved, kept in ((good, bad), (bad, good)):
        recommendation = await drafted_in_north(staff_app, keys, chosen, officer, saved)
        path = f"{LIST}/{recommendation.id}/steps/person"
        client = await staff_app.signed_in_client("recommender", officer.name)
        mark = await open_mark(client, path)
        await end_sessions(staff_app)
        fields = {"id_number": kept.id_number}
        answer = await post_step(client, recommendation.id, "person", fields, seen=saved, mark=mark)
        sign_in = await client.get(answer.headers["location"])
        assert 'role="alert"' not in sign_in.text
        assert 'class="notice good" role="status"' in sign_in.text
        later = await staff_app.signed_in_client("recommender", officer.name)
        page = (await later.get(path)).text
        assert page.count('class="notice') == 1, "one banner"
        assert ("<li>" in page.split('id="id_number-faults"')[1][:200]) == (kept is bad)


async def test_the_walk_through_all_steps_with_a_session_that_ends_at_each(
    staff_app: StaffApp,
    chosen: Chosen,
    keys: PersonalKeys,
    officer: Account,
    chromium: Browser,
    guard: Guard,
) -> None:
    """Without scripts, so that nothing is saved before the button is pressed."""
    recommendation = await drafted_in_north(staff_app, keys, chosen, officer, RecommendationForm())
    form = complete_form()
    async with open_page(chromium, guard, **PHONE, java_script_enabled=False) as page:
        first = f"{LIST}/{recommendation.id}/steps/person"
        await staff_app.sign_in(page, "recommender", first, officer.name)
        for step, following in zip(STEPS, (*STEPS[1:], None), strict=True):
            path = f"{LIST}/{recommendation.id}/steps/{step}"
            await page.goto(staff_app.origin + path)
            texts = await fill_in_texts(page, step_values(form, step))
            await end_sessions(staff_app)
            await page.click(".actions button:has-text('下一步')")
            await expect(page.locator("#password")).to_be_visible()
            token = await staff_app.token("recommender", officer.name)
            cookie = {"name": "staff", "value": token, "url": staff_app.origin}
            await page.context.add_cookies([cookie])  # type: ignore[list-item]
            await page.goto(staff_app.origin + path)
            await expect(page.locator("[data-kept]")).to_contain_text("尚未完成")
            await page.click(".actions button:has-text('下一步')")
            await page.wait_for_url(
                f"**/steps/{following}" if following else f"**{LIST}/{recommendation.id}"
            )
            saved = step_values(await stored_form(staff_app, chosen, keys), step)
            assert {name: saved[name] for name in texts} == texts, step


async def fill_in_texts(page: Page, values: Values) -> dict[str, str]:
    """Fill in what a person types or chooses once, and return it."""
    texts = {
        name: value
        for name, value in values.items()
        if isinstance(value, str) and value and not name.endswith("pages")
    }
    for name, value in texts.items():
        control = f'form.recommendation [name="{name}"]'
        if await page.locator(f"{control}:is([type=radio], [type=checkbox])").count():
            await page.check(f'{control}[value="{value}"]')
        elif await page.locator(f'select[name="{name}"]').count():
            await page.select_option(control, value)
        else:
            await page.fill(control, value)
    return texts


async def test_a_lost_connection_keeps_what_was_typed_and_saves_it_afterwards(
    staff_app: StaffApp,
    chosen: Chosen,
    keys: PersonalKeys,
    officer: Account,
    chromium: Browser,
    guard: Guard,
) -> None:
    guard.expect("ERR_INTERNET_DISCONNECTED")
    recommendation = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    path = f"{LIST}/{recommendation.id}/steps/deeds"
    context, page = await open_page_as(chromium, guard, staff_app, officer.name, path)
    await context.set_offline(True)
    await page.fill("#deeds", "断网时写的")
    status = page.locator("[data-save-status]")
    await expect(status).to_contain_text("连不上服务器，正在重试")
    await page.click(".actions button:has-text('保存') >> nth=0")
    await expect(page.locator("#deeds")).to_have_value("断网时写的")
    await context.set_offline(False)
    await expect(status).to_contain_text("已自动保存")
    assert (await stored_form(staff_app, chosen, keys)).deeds == "断网时写的"
    await context.close()


async def test_two_windows_that_change_different_fields_keep_both(
    staff_app: StaffApp,
    chosen: Chosen,
    keys: PersonalKeys,
    officer: Account,
    chromium: Browser,
    guard: Guard,
) -> None:
    recommendation = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    path = f"{LIST}/{recommendation.id}/steps/deeds"
    context, first = await open_page_as(chromium, guard, staff_app, officer.name, path)
    second = await context.new_page()
    await second.goto(staff_app.origin + path)
    await first.fill("#deeds", "第一个窗口的事迹")
    await expect(first.locator("[data-save-status]")).to_contain_text("已自动保存")
    await second.fill("#skills", "第二个窗口的技能")
    await expect(second.locator("[data-save-status]")).to_contain_text("已自动保存")
    await expect(second.locator("#deeds")).to_have_value("第一个窗口的事迹")
    await first.click(".actions button:has-text('保存') >> nth=0")
    await expect(first.locator("#skills")).to_have_value("第二个窗口的技能")
    form = await stored_form(staff_app, chosen, keys)
    assert (form.deeds, form.skills) == ("第一个窗口的事迹", "第二个窗口的技能")
    await context.close()
