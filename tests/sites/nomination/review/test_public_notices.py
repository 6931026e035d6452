"""What citizens see of notices: from their moment on, every version, nothing but what was given."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest

from tests.contest_data import both
from tests.printed import check_looks_right, printed
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen
from tests.sites.nomination.review.review_data import (
    PATH,
    draw,
    pick,
    store_submitted,
    two_clients,
)
from tests.sites.public.public_site import public_site
from voting_service.nomination.notices.repository import (
    Notice,
    NoticeRow,
    publish_notice,
)


async def test_versions_embargo_and_languages(staff_app: StaffApp) -> None:
    now = staff_app.clock()
    row = NoticeRow(number=1, name="人选<b>", trade="焊工", employer="某厂", body=both("北区"))
    notice = Notice(
        slug="a-shortlist", kind="shortlist", title=both("公示一"), rows=(row,), visible_from=now,
        objections_until=now + timedelta(days=5), how_to_object=both("写信"),
    )  # fmt: skip
    later = Notice(
        slug="b-result", kind="result", title=both("以后"), rows=(),
        visible_from=now + timedelta(hours=1),
    )  # fmt: skip
    assert await publish_notice(staff_app.database, notice, [17]) == 1
    changed = Notice(**{**{f: getattr(notice, f) for f in notice.__struct_fields__},
                        "title": both("公示二")})  # fmt: skip
    assert await publish_notice(staff_app.database, changed, [17]) == 2
    await publish_notice(staff_app.database, later)
    async with public_site(staff_app.settings) as client:
        newest = await client.get("/zh/notices/a-shortlist")
        assert "公示二" in newest.text
        assert "人选&lt;b&gt;" in newest.text
        old = await client.get("/en/notices/a-shortlist", params={"version": 1})
        assert "The newest is version 2" in old.text
        data = (await client.get("/api/v1/notices/a-shortlist")).json()
        assert (data["version"], data["versions"]) == (2, [1, 2])
        assert "keys" not in data
        listed = (await client.get("/zh/notices")).text
        assert "公示二" in listed
        assert "以后" not in listed
        for path in ("/zh/notices/b-result", "/api/v1/notices/b-result", "/zh/notices/none",
                     "/zh/notices/a-shortlist?version=3", "/zh/notices/a%00"):  # fmt: skip
            assert (await client.get(path)).status_code == 404, path
        led = await client.get("/notices/a-shortlist", headers={"accept-language": "en"})
        assert led.headers["location"] == "/en/notices/a-shortlist"
        tag = newest.headers["etag"]
        again = await client.get("/zh/notices/a-shortlist", headers={"if-none-match": tag})
        assert again.status_code == 304


@pytest.mark.parametrize(
    "statement", ["update notices set version = 9", "delete from notices", "truncate notices"]
)
async def test_published_notices_stay(staff_app: StaffApp, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await staff_app.database.execute(statement)


async def test_the_notice_prints_and_is_not_published_twice(
    staff_app: StaffApp, small: Chosen
) -> None:
    ids = await store_submitted(staff_app, small, 3)
    await pick(staff_app, small, ids)
    first, second = await two_clients(staff_app)
    assert (await first.get(f"{PATH}/notice/list.pdf")).status_code == 404
    assert (await second.post(f"{PATH}/notice/publish", data={})).status_code == 409
    await draw(staff_app, small)
    assert (await second.post(f"{PATH}/notice/publish", data={})).status_code == 303
    title = await staff_app.database.fetchval(
        "select content -> 'title' from notices where slug like '%-shortlist'"
    )
    selection = small.selection.title
    assert title == {"zh": f"{selection.zh}候选人公示", "en": f"{selection.en}: candidates"}
    again = await second.post(f"{PATH}/notice/publish", data={})
    assert again.status_code == 409
    assert "already been published" in again.text
    pdf = printed((await first.get(f"{PATH}/notice/list.pdf")).content)
    check_looks_right(pdf)
    text = pdf.text.replace(" ", "")
    assert [f"人选{number}" in text for number in (1, 2, 3)] == [True] * 3


async def test_an_address_in_a_name_prevents_the_notice(staff_app: StaffApp, small: Chosen) -> None:
    ids = await store_submitted(staff_app, small, 3, trade="焊工，住示范路36号附2号")
    await pick(staff_app, small, ids)
    await draw(staff_app, small)
    _, second = await two_clients(staff_app)
    refused = await second.post(f"{PATH}/notice/publish", data={})
    assert refused.status_code == 422
    assert "示范路" not in refused.text
    assert await staff_app.database.fetchval("select count(*) from notices") == 0
