"""A profile and the rules read aloud by the browser's voice, and what is printed on one page."""

from __future__ import annotations

import io

from playwright.async_api import Page, expect
from pypdf import PdfReader

from tests.browser.site import Site

VOICE = """
  window.spoken = [];
  window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
  Object.defineProperty(window, "speechSynthesis", {value: {
    speak(utterance) { spoken.push(utterance); },
    cancel() {},
  }});
"""
END = "() => { const last = spoken[spoken.length - 1]; last.onend(); return spoken.length; }"
STORY = 1500
LONG = f"""() => {{
  const story = document.querySelector(".story");
  for (const paragraph of story.querySelectorAll("p")) paragraph.remove();
  for (let part = 0; part < 5; part += 1)
    story.appendChild(document.createElement("p")).textContent = "匠".repeat({STORY // 5});
}}"""


async def test_a_page_is_read_aloud_where_the_browser_has_a_voice(
    phone: Page, desktop: Page, site: Site
) -> None:
    await phone.add_init_script(VOICE)
    await phone.goto(site.page("/candidates/7"))
    button = phone.locator("[data-read-aloud]")
    await button.click()
    await expect(button).to_have_text("停止朗读")
    assert await phone.evaluate("spoken[0].lang") == "zh-CN"
    story = await phone.locator(".story").inner_text()
    for _ in range(len(story)):
        count = await phone.evaluate("spoken.length")
        if await phone.evaluate(END) == count:
            break
    read = await phone.evaluate("spoken.map((utterance) => utterance.text).join('')")
    assert "".join(read.split()) == "".join(story.split())
    await expect(button).to_have_text("朗读本页")

    await phone.goto(site.page("/rules", language="en"))
    await button.click()
    assert await phone.evaluate("spoken[0].lang") == "en-GB"
    assert "Read aloud" not in await phone.evaluate("spoken[0].text")
    await button.click()
    await expect(button).to_have_text("Read aloud")

    await desktop.add_init_script(
        "delete window.speechSynthesis; delete window.SpeechSynthesisUtterance"
    )
    await desktop.goto(site.page("/rules"))
    await expect(desktop.locator("[data-read-aloud]")).to_be_hidden()


async def test_a_profile_and_a_receipt_fit_on_a_page_of_paper(desktop: Page, site: Site) -> None:
    receipt = f"/receipts/{(await site.cast([7]))['ballot']}"
    for below in ("/candidates/7", receipt):
        await desktop.goto(site.page(below))
        if below != receipt:
            await desktop.evaluate(LONG)
        printed = PdfReader(io.BytesIO(await desktop.pdf(prefer_css_page_size=True)))
        assert len(printed.pages) == 1, below
