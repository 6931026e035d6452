"""How far a selection and its people are: shown once it is public, and never before."""

from __future__ import annotations

import re

from tests.contest_data import both
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.bodies.selection_data import SLUG
from tests.sites.nomination.panel.panel_data import EXPERTS, Chosen
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.notices.repository import Notice, NoticeRow, publish_notice

LIST = f"/selections/{SLUG}/recommendations"


async def texts(client: StaffClient, path: str) -> tuple[str, str]:
    """The band of a page, and its main part, as plain words."""
    page = (await client.get(path)).text
    parts = page.split('<ol class="band"')[1].split("</ol>")[0], page.split("<main")[1]
    band, main = (" ".join(re.sub("<[^>]*>", " ", part).split()) for part in parts)
    return band.split("> ", 1)[-1], main


async def test_officers_see_how_far_their_people_came_once_it_is_public(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    """Candidate 3 is the north's."""
    database = staff_app.database
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute(
        "insert into nomination.body_officers (account_id, body_id) values ($1, $2)",
        staff_app.accounts["officer-north"].id,
        chosen.bodies["north"].id,
    )
    await owner.close()
    officer = await staff_app.signed_in_client("recommender", "officer-north")
    number, entries = await _entries(staff_app)
    band, main = await texts(officer, LIST)
    assert "50 shortlisted (planned)" in band
    assert "Shortlisted" not in main, "in the cut, but no notice has told it"

    row = NoticeRow(number=3, name="人选", trade="焊工", employer="某厂", body=both("北区"))
    notice = Notice(
        slug=f"{SLUG}-shortlist", kind="shortlist", title=both("公示"), rows=(row,),
        visible_from=staff_app.clock(),
    )  # fmt: skip
    await publish_notice(database, notice, entries)
    for path in (LIST, f"{LIST}/{number}"):
        band, main = await texts(officer, path)
        assert "Shortlisted, No. 3" in main
        assert "Rank 3 of the vote" in main
        assert "Winner" not in main
        assert re.search(r"3 recommended .*3 shortlisted .*10 \+ 10 .*\(planned\)", band), band

    await chosen.seat_seven()
    await chosen.set_rules()
    expert = chosen.client(EXPERTS[0])
    assert "sheet of round 1 is not submitted" in (await expert.get("/")).text
    await chosen.finish_scoring()
    assert "Nothing is waiting for you." in (await expert.get("/")).text
    await chosen.publish_result()
    band, main = await texts(officer, LIST)
    assert "Winner" in main
    assert "planned" not in band, band


async def _entries(staff_app: StaffApp) -> tuple[int, list[int]]:
    """The recommendation of candidate 3, and those of the whole shortlist."""
    rows = await staff_app.database.fetch(
        "select recommendation_id, number from nomination.shortlist_entries"
    )
    by_number = {row["number"]: row["recommendation_id"] for row in rows}
    return by_number[3], sorted(by_number.values())
