"""The report on place and votes: linked from the outcome, as page and as JSON."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.async_api import Page
from pydantic import SecretBytes

from tests.browser.accessibility import assert_accessible
from tests.browser.site import Site
from tests.contest_data import candidates, rules
from tests.cut_data import CLOSES, DRAINED, MASTER_KEY, OPENS, closed_contest, member
from tests.database_clocks import as_database_clock
from voting_service.contests.list_order import VARIANTS, shuffled_candidates
from voting_service.contests.model import Contest, CutRules
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.jobs.exposure_reports import exposure_reports_loop
from voting_service.settings import Settings
from voting_service.sites.public.pages import exposure_views
from voting_service.sites.public.pages.exposure_views import PLOT_HEIGHT, finding, plot
from voting_service.staff.actor import Actor
from voting_service.voting.cut.publication import approve, propose_publication
from voting_service.voting.exposure.model import BALLOTS, ExposureReport, OrderCount, report
from voting_service.voting.exposure.repository import load_report

SLUG = "exposure-2022"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
VOTES = {1: 100, 2: 80, 3: 60, 4: 40, 5: 20}
REPORT = f"/api/v1/contests/{SLUG}/exposure"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With the key under which the cut's test data is stored."""
    return settings.model_copy(update={"master_key": SecretBytes(MASTER_KEY)})


@pytest.mark.parametrize(("first", "expected"), [(30, "more"), (20, "none"), (10, "fewer")])
def test_the_sentence_follows_the_interval(first: int, expected: str) -> None:
    contest = Contest(1, "c", rules(), OPENS, CLOSES, 1, candidates(20))
    counts = [
        OrderCount(0, variant, candidate.number, first if place < 4 else 20)
        for variant in range(VARIANTS)
        for place, candidate in enumerate(shuffled_candidates(contest, variant))
    ]
    voters = [OrderCount(0, variant, BALLOTS, 100) for variant in range(VARIANTS)]
    made = report(contest, 1, counts + voters)
    assert finding(made) == expected
    for point in plot(made):
        assert 0 <= point.top <= point.middle <= point.bottom <= PLOT_HEIGHT
        assert point.part.ratio is not None
        assert (point.middle < PLOT_HEIGHT / 2) == (point.part.ratio.estimate > 1.001)
    assert finding(report(contest, 1, voters[:1])) == "too_few"


async def test_it_is_linked_from_the_outcome_once_it_is_prepared(
    phone: Page, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = site.database
    clerk = Actor(database, await member(database, "clerk"), DRAINED)
    other = Actor(database, await member(database, "supervisor", "supervisor"), DRAINED)
    cut = CutRules(size=3, tie="committee")
    contest = await closed_contest(database, cut=cut, votes=VOTES, slug=SLUG)
    proposal = await propose_publication(clerk, contest, key=KEY)
    await approve(other, contest, proposal, key=KEY)
    await site.state.registry.refresh(site.state.read_pool)
    assert (await site.api.get(REPORT)).status_code == 404
    await phone.goto(f"{site.origin}/zh/{SLUG}/cut")
    link = phone.locator(f"a[href='/zh/{SLUG}/exposure']")
    assert await link.count() == 0

    await exposure_reports_loop(as_database_clock(lambda: DRAINED)).work(database)
    answer = await site.api.get(REPORT)
    made = answer.json()
    assert (made["voters"], made["version"], len(made["parts"])) == (300, 1, 5)
    assert (
        await site.api.get(REPORT, headers={"if-none-match": answer.headers["etag"]})
    ).status_code == 304
    reads: list[int] = []

    async def read(connection: AnyConnection, contest_id: int) -> ExposureReport | None:
        reads.append(contest_id)
        return await load_report(connection, contest_id)

    second = site.clock() + timedelta(seconds=2)
    with monkeypatch.context() as within:
        within.setattr(site.state, "clock", lambda: second)
        within.setattr(exposure_views, "load_report", read)
        answers = await asyncio.gather(*(site.api.get(REPORT) for _ in range(5)))
    assert {again.content for again in answers} == {answer.content}
    assert reads == [contest.id], "many readers in one second cost one read"
    site.clock.offset += timedelta(seconds=4)
    await phone.reload()
    await link.click()
    main = await phone.get_by_role("main").inner_text()
    assert "第 1 位" in main
    assert "共 300 人" in main
    assert await phone.locator("svg.exposure circle").count() == 5
    assert await phone.locator("table").nth(1).locator("tbody tr").count() == 5
    await assert_accessible(phone)
    english = (await site.api.get(f"/en/{SLUG}/exposure")).text
    assert "Place in the list and votes" in english
    assert english.index("may have seen another") < english.index('<svg class="exposure'), (
        "what the comparison cannot tell stands beside its finding"
    )
