"""A vote that meets a hosted captcha, in Chromium. The provider's script is a stand-in that the
test serves under the provider's address: nothing leaves this machine."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.guard import Guard
from tests.browser.site import SLUG, Site
from tests.captcha_verifiers import install, verifier_for
from tests.fakes.captcha_providers import (
    FakeGeeTest,
    FakeProvider,
    FakeTencent,
    FakeTurnstile,
    FakeYidun,
)
from tests.sites.public.pages.reader import Reader, reading
from voting_service.antifraud.challenges import proof_of_work
from voting_service.antifraud.screening import rate_limits
from voting_service.infrastructure.clock import system_clock
from voting_service.sites.public.rendering import texts
from voting_service.sites.public.request_signals import SenderReader
from voting_service.sites.shared.security_headers import CONTENT_SECURITY_POLICY, SECURITY_HEADERS

RECEIPT = re.compile(r"/receipts/[0-9a-f]{32}")
SCRIPTS = {
    FakeTurnstile: "https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit",
    FakeGeeTest: "https://static.geetest.com/v4/gt4.js",
    FakeTencent: "https://turing.captcha.qcloud.com/TJCaptcha.js",
    FakeYidun: "https://cstaticdun.126.net/load.min.js",
}
WIDGETS = {
    FakeTurnstile: """globalThis.turnstile = { render: (box, { sitekey, cData, callback }) => {
        box.textContent = sitekey; solve(cData).then(callback) } };""",
    FakeGeeTest: """globalThis.initGeetest4 = ({ captchaId }, ready) => {
        const on = {};
        ready({ onError() {}, onSuccess(done) { on.done = done }, getValidate: () => on.fields,
          appendTo(box) { box.textContent = captchaId; solve("").then((token) => {
            on.fields = { ...Object.fromEntries(new URLSearchParams(token)), captcha_id: "x" };
            on.done(); }) } }); };""",
    FakeTencent: """globalThis.TencentCaptcha = class {
        constructor(id, done) { this.id = id; this.done = done }
        show() { document.querySelector("[data-captcha]").textContent = this.id;
          solve("").then((token) => this.done(
            { ret: 0, ...Object.fromEntries(new URLSearchParams(token)) })) } };""",
    FakeYidun: """globalThis.initNECaptcha = ({ captchaId, element, onVerify }, ready) => {
        element.textContent = captchaId; ready({});
        onVerify(new Error("once more"));
        solve("").then((validate) => onVerify(null, { validate })) };""",
}
"""What each widget's documentation states of it, as far as the page relies on it; `solve` is the
person, who solves it when the test states it."""


class CaptchaSite:
    """The site while this machine's own network is over its rate, with a captcha."""

    def __init__(self, site: Site, fake: FakeProvider) -> None:
        self.site, self.fake = site, fake

    async def stand_in(self, page: Page, guard: Guard, widget: str | None = None) -> None:
        """Serves the provider's script; the person solves it when `person` is set."""
        script = SCRIPTS[type(self.fake)]
        guard.allow_origin("/".join(script.split("/")[:3]))

        async def serve(route: Route) -> None:
            body = widget or WIDGETS[type(self.fake)]
            await route.fulfill(body=body, content_type="text/javascript")

        await page.route(script, serve)
        await page.expose_function("solveAsPerson", self.fake.solve)
        await page.add_init_script(
            "globalThis.person = Promise.withResolvers();"
            "globalThis.solve = async (binding) => {"
            "  await person.promise; return solveAsPerson(binding) }"
        )

    async def cast(self, page: Page) -> None:
        """Chooses, reviews, and presses the button that casts."""
        await page.goto(self.site.sign_in_url(self.site.token()))
        await page.wait_for_url(self.site.page())
        await page.locator("[data-choose='3']").click()
        await page.goto(self.site.page("/ballot"))
        await page.locator("main button[type=submit]").last.click()
        await page.wait_for_url(self.site.page("/ballot/review"))
        await page.locator("[data-once]").click()

    async def stored(self) -> int:
        count: int = await self.site.database.fetchval("select count(*) from ballots")
        return count


@pytest.fixture(params=[FakeTurnstile])
async def crowded(
    request: pytest.FixtureRequest, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[CaptchaSite]:
    monkeypatch.setattr(proof_of_work, "HARD", 40)
    fake: FakeProvider = request.param(lambda: system_clock().timestamp())
    contest_state = site.state.contest_state(SLUG)
    verifier, client = verifier_for(fake, tmp_path, system_clock)
    install(site.state, SLUG, verifier)
    assert contest_state.keys.network is not None
    settings = site.settings.model_copy(update={"exempt_networks": ()})
    contest_state.senders = SenderReader(contest_state.keys.network, settings)
    monkeypatch.setattr(rate_limits, "NETWORK", rate_limits.Rate(interval_ms=3_600_000, burst=1))
    await site.cast([1])
    yield CaptchaSite(site, fake)
    await client.aclose()


@pytest.mark.parametrize("crowded", SCRIPTS, indirect=True, ids=lambda fake: fake.provider)
async def test_solved_the_vote_is_cast_by_itself(
    phone: Page, guard: Guard, crowded: CaptchaSite
) -> None:
    await crowded.stand_in(phone, guard)
    guard.expect("428")
    await crowded.cast(phone)
    await expect(phone.locator("[data-captcha]")).to_have_text(crowded.fake.site_key)
    await assert_accessible(phone)
    await phone.evaluate("person.resolve()")
    await phone.wait_for_url(RECEIPT)
    assert len(crowded.fake.requests) == 1
    assert await crowded.stored() == 2


async def test_a_script_that_does_not_come_costs_a_proof_of_work(
    phone: Page, guard: Guard, crowded: CaptchaSite
) -> None:
    guard.allow_origin(crowded.fake.host)
    guard.expect("428")
    guard.expect("ERR_")
    await crowded.cast(phone)
    await phone.wait_for_url(RECEIPT)
    assert crowded.fake.requests == []
    assert await crowded.stored() == 2


async def test_so_does_a_widget_that_fails(phone: Page, guard: Guard, crowded: CaptchaSite) -> None:
    failing = "globalThis.turnstile = { render: (box, ways) => ways['error-callback']('110200') };"
    await crowded.stand_in(phone, guard, failing)
    guard.expect("428")
    await crowded.cast(phone)
    await phone.wait_for_url(RECEIPT)
    assert await crowded.stored() == 2


async def test_and_anybody_who_cannot_do_it_may_choose_so(
    desktop: Page, guard: Guard, crowded: CaptchaSite
) -> None:
    await crowded.stand_in(desktop, guard)
    guard.expect("428")
    await crowded.cast(desktop)
    expected = texts("zh")["review"]["challenge"]
    button = desktop.get_by_role("button", name=expected["instead"])
    await expect(desktop.get_by_text(expected["captcha_why"])).to_be_visible()
    await button.focus()
    await desktop.keyboard.press("Enter")
    await desktop.wait_for_url(RECEIPT)
    assert crowded.fake.requests == []


async def test_away_the_next_page_does_the_usual_work(
    phone: Page, guard: Guard, crowded: CaptchaSite
) -> None:
    await crowded.stand_in(phone, guard)
    guard.expect("428")
    await crowded.cast(phone)
    crowded.site.state.contest_state(SLUG).challenges.captcha_verifier._deadline_seconds = 0  # type: ignore[union-attr]
    await phone.evaluate("person.resolve()")
    await phone.wait_for_url(RECEIPT)
    assert await crowded.stored() == 2


async def asked_page(crowded: CaptchaSite, reader: Reader) -> str:
    await reader.enter()
    answer = await reader.cast([1, 2])
    assert answer.status_code == 428
    policy: str = answer.headers["content-security-policy"]
    return f"{policy}\n{answer.headers['referrer-policy']}\n{answer.text}"


@pytest.mark.parametrize("crowded", SCRIPTS, indirect=True, ids=lambda fake: fake.provider)
async def test_only_that_page_lets_only_that_provider_in(crowded: CaptchaSite) -> None:
    async with reading(crowded.site) as reader:
        policy, referrer, page = (await asked_page(crowded, reader)).split("\n", 2)
        assert referrer == "strict-origin"
        assert page.count("data-captcha=") == 1
        assert crowded.fake.site_key in page
        sources = dict(part.split(" ", 1) for part in policy.split("; "))
        script = SCRIPTS[type(crowded.fake)].split("/")[2]
        expected = (f"https://{script}", f"https://*.{script.split('.', 1)[1]}")
        assert any(first in sources["script-src"].split() for first in expected)
        assert sources["script-src"].startswith("'self'")
        assert "unsafe" not in sources["script-src"]
        assert sources["default-src"] == sources["base-uri"] == "'none'"
        assert sources["frame-ancestors"] == "'none'"
        assert sources["form-action"] == "'self'"
        install(crowded.site.state, SLUG, None)
        policy, referrer, page = (await asked_page(crowded, reader)).split("\n", 2)
        assert policy == CONTENT_SECURITY_POLICY
        assert referrer == SECURITY_HEADERS["referrer-policy"]
        assert "data-captcha" not in page
        assert "https://" not in policy
