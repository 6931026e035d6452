"""An officer's way from an empty form to a receipt, in Chromium."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import msgspec
from playwright.async_api import Page, expect

from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    tab_to,
)
from tests.browser.guard import Guard
from tests.nomination.files.pdf_files import pdf
from tests.nomination.files.picture_samples import phone_photo
from tests.nomination.form.people import complete_form
from tests.picture_files import halves, saved
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, seat_officer
from tests.sites.nomination.recommendations.recommendation_data import STAMPED
from voting_service.nomination.form.model import Achievement, Opinion
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.form_encryption import form_sha256
from voting_service.nomination.recommendations.repository import load_recommendations
from voting_service.sites.nomination.recommendations.form_steps import step_values

OPINION = Opinion(text="同意推荐。", signer="签署人一", signed_on=date(2022, 6, 2))
LIST = "/selections/selection-2022/recommendations"


def upload(name: str, media_type: str, content: bytes) -> Any:
    return {"name": name, "mimeType": media_type, "buffer": content}


async def next_step(page: Page, heading: str) -> None:
    await page.click("button:has-text('下一步')")
    await expect(page.locator("h1")).to_contain_text(heading)


async def test_from_an_empty_form_to_a_receipt(
    staff_app: StaffApp, chosen: Chosen, desktop: Page, guard: Guard
) -> None:
    page, form = desktop, complete_form()
    guard.expect(r"422 .*steps/evidence")  # the file that is refused
    await seat_officer(staff_app, chosen.bodies["north"], "officer")
    await staff_app.sign_in(page, "recommender", LIST, "officer")
    await assert_accessible(page)
    await expect(page.locator("main")).to_contain_text("0 / 6")
    await expect(page.locator("[data-left]")).to_have_text(
        re.compile(r"还有 8 天 23 小时 59 分 \d+ 秒")
    )
    await page.click("text=新建推荐")

    # The first step with the keyboard alone.
    await page.locator("#main").focus()
    for label, text in (
        ("姓名", form.name),
        ("男", " "),
        ("出生年月", "1980-05"),
        ("身份证号", form.id_number),
        ("民族", form.ethnic_group),
        ("政治面貌", form.political_status),
        ("文化程度", form.education),
    ):
        await tab_to(page, label)
        if text == " ":
            await page.keyboard.press("Space")
        else:
            await page.keyboard.insert_text(text)
    await expect(page.locator(".saved")).to_contain_text("已自动保存")
    await assert_accessible(page)
    await tab_to(page, "下一步")
    await page.keyboard.press("Enter")

    await expect(page.locator("h1")).to_contain_text("工作情况")
    for name, value in step_values(form, "work").items():
        if name == "industry":
            await page.select_option("#industry", "equipment")
        elif name != "is_central_unit":
            await page.fill(f"#{name}", str(value))
    await next_step(page, "事迹")
    await page.fill("#skills", "技" * 1001)
    count = page.locator("#skills-count")
    await expect(count).to_have_text("1001 / 1000 字（不计空格） · 超出 1 字")
    await expect(page.locator("#skills-faults")).to_contain_text("请压缩到1000字以内")
    await assert_accessible(page)
    await page.fill("#skills", "技能\n特长")
    await expect(page.locator("#skills-faults")).to_be_empty()
    await page.fill("#deeds", form.deeds)
    await next_step(page, "条件与佐证")
    await fill_in_evidence(page)
    await next_step(page, "单位意见")
    for who in ("employer_opinion", "body_opinion"):
        await page.fill(f"#{who}-text", "同意推荐。")
        await page.fill(f"#{who}-signer", "签署人一")
        await page.fill(f"#{who}-signed_on", "2022-06-02")
    await page.set_input_files("#employer_scan", upload("a.pdf", "application/pdf", STAMPED))
    await expect(page.locator("[data-field=employer_scan]")).to_contain_text("共 1 页")
    await page.set_input_files("#body_scan", upload("b.pdf", "application/pdf", STAMPED))
    await expect(page.locator("[data-field=body_scan]")).to_contain_text("共 1 页")
    await assert_accessible(page)
    await next_step(page, "核对并提交")

    # The photo is still missing; the list of what is missing leads to it.
    await expect(page.locator(".missing li")).to_have_count(1)
    await assert_accessible(page)
    await page.click(".missing a")
    await attach_photo(page)
    await page.click("nav.steps button:has-text('核对并提交')")
    await page.click("summary:has-text('提交推荐')")
    await assert_accessible(page)
    await page.click("button:has-text('确定提交')")
    await expect(page.locator("h1")).to_have_text("提交成功 · 回执")
    await assert_accessible(page)
    await assert_nothing_lost(page)

    keys = PersonalKeys.of(staff_app.settings)
    [stored] = await load_recommendations(staff_app.database, keys, chosen.selection)
    assert stored.form == msgspec.structs.replace(
        form,
        skills="技能\n特长",
        qualification_pages="1",
        achievements=(Achievement(kind="innovation", pages="2-4，7"),),
        evidence_handler="经办人一",
        employer_opinion=OPINION,
        body_opinion=OPINION,
    )
    await page.click("summary:has-text('数字指纹')")
    receipt = await page.inner_text("main")
    assert re.search(r"20\d\d年\d+月\d+日 \d\d:\d\d:\d\d", receipt)
    for mark in (
        form_sha256(stored.form).hex(),
        stored.files["photo"].sha256.hex(),
        stored.files["evidence"].sha256.hex(),
        f"selection-2022-{stored.id}-1",
    ):
        assert mark in receipt
    assert form.id_number not in receipt
    await page.click("text=返回列表")
    await expect(page.locator("main")).to_contain_text("1 / 6")
    assert form.id_number not in await page.content()


async def fill_in_evidence(page: Page) -> None:
    """A file that is none is refused beside its field, and what was typed stays."""
    await page.fill("#evidence_handler", "经办人一")
    await page.set_input_files("#evidence", upload("a.pdf", "application/pdf", b"GIF89a"))
    await expect(page.locator("#evidence-faults")).to_contain_text("图片无法读取")
    await expect(page.locator("#evidence_handler")).to_have_value("经办人一")
    await assert_accessible(page)
    sheet = saved(halves(900, 1200), "JPEG")
    await page.set_input_files(
        "#evidence",
        [
            upload("photo.jpg", "image/jpeg", sheet),
            upload("too much.pdf", "application/pdf", pdf(3)),
            upload("certificates.pdf", "application/pdf", pdf(9)),
        ],
    )
    await expect(page.locator(".chosen-files li")).to_have_count(3)
    await assert_accessible(page)
    await page.click("text=去掉 >> nth=1")
    await page.click("text=上移")
    await expect(page.locator(".chosen-files li").first).to_contain_text("certificates.pdf")
    await page.click("[data-field=evidence] button[name=go]")
    attached = page.locator(".attached")
    await expect(attached).to_contain_text("共 10 页")
    await expect(attached).to_contain_text("第 1—9 页： certificates.pdf")
    await expect(attached).to_contain_text("第 10 页： photo.jpg")
    await page.check("#conduct_declared")
    await page.check("input[value=technician]")
    await page.check("input[value=innovation]")
    await page.fill("#qualification_pages", "1")
    await page.fill("[id='achievements-innovation-pages']", "2-4，7")
    await page.fill("#evidence_confirmed_on", "2022-06-01")


async def attach_photo(page: Page) -> None:
    """A telephone's photo of more than 10 MB; the frame is moved with the keyboard."""
    await page.set_input_files("#photo", upload("p.jpg", "image/jpeg", phone_photo()))
    await expect(page.locator(".cropper-crop-box")).to_be_visible()
    await assert_accessible(page)
    before = await page.input_value("[name=photo_frame]")
    for key in ("-", "-", "ArrowDown", "ArrowRight"):
        await page.keyboard.press(key)
    assert await page.input_value("[name=photo_frame]") != before
    await page.click("text=使用框内部分并上传")
    shown = page.locator(".attached img")
    await expect(shown).to_be_visible()
    assert await shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 826
    await assert_accessible(page)
