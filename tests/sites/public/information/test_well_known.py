"""What machines ask every website for, and what the law asks of its footer."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO

import pytest
from PIL import Image

from tests.browser.site import SLUG, Site
from voting_service.settings import Settings
from voting_service.sites.public.rendering import environment, show_filings


async def test_robots_may_read_everything_but_ballots(site: Site) -> None:
    answer = await site.api.get("/robots.txt")
    assert (answer.status_code, answer.headers["content-type"]) == (
        200, "text/plain; charset=utf-8",
    )  # fmt: skip
    lines = answer.text.splitlines()
    assert lines[0] == "User-agent: *"
    assert "Disallow: /zh/*/ballot" in lines
    assert "Disallow: /enter" in lines
    assert "receipts" not in answer.text
    page = (await site.api.get(f"/zh/{SLUG}/receipts")).text
    assert '<meta name="robots" content="noindex">' in page


async def test_the_icon_is_there_for_browsers_that_ask_for_no_other(site: Site) -> None:
    answer = await site.api.get("/favicon.ico")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/x-icon")
    with Image.open(BytesIO(answer.content)) as icon:
        assert icon.info["sizes"] == {(16, 16), (32, 32), (48, 48)}


async def test_the_contact_for_vulnerabilities_is_the_operator_s(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/.well-known/security.txt"
    assert (await site.api.get(path)).status_code == 404
    contact = "mailto:security@example.org"
    settings = site.settings.model_copy(update={"security_contact": contact})
    monkeypatch.setattr(site.state, "settings", settings)
    fields = dict(line.split(": ", 1) for line in (await site.api.get(path)).text.splitlines())
    assert fields["Contact"] == contact
    assert fields["Canonical"] == site.settings.public_url + path
    left = datetime.fromisoformat(fields["Expires"]) - site.clock()
    assert timedelta(days=30) < left < timedelta(days=365)


@pytest.mark.parametrize("contact", ["security@example.org", "http://example.org/x", "mailto:x"])
def test_a_contact_that_is_none_is_refused(settings: Settings, contact: str) -> None:
    with pytest.raises(ValueError, match="not_a_contact"):
        Settings.model_validate({**settings.model_dump(), "security_contact": contact})


async def test_filing_numbers_are_in_every_footer(site: Site) -> None:
    page = (await site.api.get("/zh")).text
    assert "beian" not in page
    icp, security = "渝ICP备00000000号", "渝公网安备50000000000000号"
    filed = site.settings.model_copy(update={"icp_number": icp, "public_security_number": security})
    try:
        show_filings(filed)
        for path in ("/zh/notices", f"/zh/{SLUG}/rules", "/en/privacy", "/zh/help"):
            page = (await site.api.get(path)).text
            assert icp in page
            assert security in page
            assert "code=50000000000000" in page
    finally:
        environment().globals["filings"] = ()


async def test_the_other_language_is_named_with_its_whole_address(site: Site) -> None:
    address = site.settings.public_url
    for path, other in (("/zh", "/en"), (f"/zh/{SLUG}/rules", f"/en/{SLUG}/rules")):
        page = (await site.api.get(path)).text
        assert f'hreflang="en" href="{address}{other}"' in page


async def test_the_privacy_notice_names_every_recipient_and_cookie(site: Site) -> None:
    page = (await site.api.get("/en/privacy")).text
    for recipient in (
        "sign in with WeChat or another account provider",
        "captcha",
        "sharing script",
    ):
        assert recipient in page, recipient
    assert "to nobody else" in page
    for kept in ("sign-in and the platform", "choices under review", "under way at a provider",
                 "a mark that you have voted", "order of your list", "larger text"):  # fmt: skip
        assert kept in page, kept
    assert len(site.state.articles) == 1, "prepared once"
