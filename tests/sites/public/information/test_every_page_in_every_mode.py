"""Every page for citizens under axe-core, light, dark and in elder mode, in both languages.

Those of the nomination, which need one, are examined where they are made: test_panel_walk.py and
test_review_walk.py.
"""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page
from pydantic import SecretBytes
from starlette.routing import Route

from tests.browser.accessibility import violations_in_every_mode
from tests.browser.guard import Guard
from tests.browser.site import SLUG, Site
from tests.cut_data import MASTER_KEY
from tests.sites.public.information.test_contests_page import NEXT_YEAR, import_next_year
from tests.sites.public.information.test_cut_page import SLUG as PAST
from tests.sites.public.information.test_cut_page import publish
from voting_service.contests.model import CutRules
from voting_service.settings import Settings
from voting_service.sites.public.embed.routes import GUIDE
from voting_service.sites.public.embed.routes import ROUTES as EMBED_ROUTES
from voting_service.sites.public.pages.routes import READS, ROUTES, SITE_PAGES

MORE = (f"/{NEXT_YEAR}/coming", f"/{NEXT_YEAR}", f"/{PAST}", f"/{PAST}/cut")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With the key under which the cut's test data is stored."""
    return settings.model_copy(update={"master_key": SecretBytes(MASTER_KEY)})


async def pages(site: Site, language: str) -> list[str]:
    """The addresses of all routes that answer with a page, and more of what some of them show."""
    ballot = (await site.cast([4]))["ballot"]
    values = {"language": language, "slug": SLUG, "number": "7", "ballot": ballot, "name": ""}
    result: list[str] = []
    for route in [*GUIDE, *READS, *ROUTES, *EMBED_ROUTES]:
        assert isinstance(route, Route)
        for values["name"] in SITE_PAGES if "{name" in route.path else [""]:
            path = re.sub(r"\{(\w+)[^}]*\}", lambda part: values.get(part[1], "none"), route.path)
            answer = await site.api.get(path, headers={"accept-language": language})
            is_page = answer.headers.get("content-type", "").startswith("text/html")
            if answer.status_code == 200 and is_page and path not in result:
                result.append(path)
    return [*result, *(f"/{language}{path}" for path in MORE), f"/{language}/{SLUG}/candidates/999"]


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_every_page_in_every_mode(
    language: str, phone: Page, guard: Guard, site: Site
) -> None:
    guard.expect("status of 404")
    guard.expect("status of 403")  # a contest that is not published yet
    await import_next_year(site)
    await publish(site, CutRules(size=3, tie="committee"))
    await site.crowd(3, [4, 5])
    await site.reconcile()
    cookie = {"name": f"choice-{SLUG}", "value": "4.5", "url": site.origin}
    await phone.context.add_cookies([cookie])  # type: ignore[list-item]
    examined = await pages(site, language)
    assert len(examined) > 20
    result: list[str] = []
    for path in examined:
        await phone.goto(site.url(path))
        result += await violations_in_every_mode(phone)
    assert not result, "\n".join(result)
