"""What citizens see of notices: from their moment on, every version, nothing but what was given."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest

from tests.contest_data import both
from tests.printed import check_looks_right, printed
from tests.sites.console.running_office import Office
from tests.sites.nomination.bodies.selection_data import Chosen
from tests.sites.nomination.review.public_site import running_public_site
from tests.sites.nomination.review.review_data import (
    PATH,
    draw,
    pick,
    store_submitted,
    two_clients,
)
from tests.sites.nomination.review.test_choice import small
from voting_service.nomination.notices.repository import (
    Notice,
    NoticeRow,
    publish_notice,
)

__all__ = ["small"]


async def test_versions_embargo_and_languages(office: Office) -> None:
    now = office.clock()
    row = NoticeRow(number=1, name="人选<b>", trade="焊工", employer="某厂", body=both("北区"))
    notice = Notice(
        slug="a-fifty", kind="fifty", title=both("公示一"), rows=(row,), visible_from=now,
        objections_until=now + timedelta(days=5), how_to_object=both("写信"),
    )  # fmt: skip
    later = Notice(
        slug="b-result", kind="result", title=both("以后"), rows=(),
        visible_from=now + timedelta(hours=1),
    )  # fmt: skip
    assert await publish_notice(office.database, notice, [17]) == 1
    changed = Notice(**{**{f: getattr(notice, f) for f in notice.__struct_fields__},
                        "title": both("公示二")})  # fmt: skip
    assert await publish_notice(office.database, changed, [17]) == 2
    await publish_notice(office.database, later)
    async with running_public_site(office.settings) as client:
        newest = await client.get("/zh/notices/a-fifty")
        assert "公示二" in newest.text
        assert "人选&lt;b&gt;" in newest.text
        old = await client.get("/en/notices/a-fifty", params={"version": 1})
        assert "The newest is version 2" in old.text
        data = (await client.get("/api/v1/notices/a-fifty")).json()
        assert (data["version"], data["versions"]) == (2, [1, 2])
        assert "keys" not in data
        listed = (await client.get("/zh/notices")).text
        assert "公示二" in listed
        assert "以后" not in listed
        for path in ("/zh/notices/b-result", "/api/v1/notices/b-result", "/zh/notices/none",
                     "/zh/notices/a-fifty?version=3", "/zh/notices/a%00"):  # fmt: skip
            assert (await client.get(path)).status_code == 404, path
        led = await client.get("/notices/a-fifty", headers={"accept-language": "en"})
        assert led.headers["location"] == "/en/notices/a-fifty"
        tag = newest.headers["etag"]
        again = await client.get("/zh/notices/a-fifty", headers={"if-none-match": tag})
        assert again.status_code == 304


@pytest.mark.parametrize(
    "statement", ["update notices set version = 9", "delete from notices", "truncate notices"]
)
async def test_published_notices_stay(office: Office, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await office.database.execute(statement)


async def test_the_notice_prints_and_is_not_published_twice(office: Office, small: Chosen) -> None:
    ids = await store_submitted(office, small, 3)
    await pick(office, small, ids)
    first, second = await two_clients(office)
    assert (await first.get(f"{PATH}/notice/list.pdf")).status_code == 404
    assert (await second.post(f"{PATH}/notice/publish", data={})).status_code == 409
    await draw(office, small)
    assert (await second.post(f"{PATH}/notice/publish", data={})).status_code == 303
    title = await office.database.fetchval(
        "select content -> 'title' from notices where slug like '%-fifty'"
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


async def test_an_address_in_a_name_prevents_the_notice(office: Office, small: Chosen) -> None:
    ids = await store_submitted(office, small, 3, trade="焊工，住示范路36号附2号")
    await pick(office, small, ids)
    await draw(office, small)
    _, second = await two_clients(office)
    refused = await second.post(f"{PATH}/notice/publish", data={})
    assert refused.status_code == 422
    assert "示范路" not in refused.text
    assert await office.database.fetchval("select count(*) from notices") == 0
