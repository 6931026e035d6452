"""Personal data that is planted in a form is in no log, audit log line, address or error page, and
in no table in the clear."""

from __future__ import annotations

import json

import httpx
import msgspec
import pytest
import structlog

from tests.nomination.form.people import id_number
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, seat_officer
from tests.sites.nomination.recommendations.posting import LIST, post_step
from tests.sites.nomination.recommendations.recommendation_data import (
    EVIDENCE,
    PHOTO,
    drafted_in_north,
    person,
    submitted,
)
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.staff.accounts.model import Account

ID_NUMBER = id_number(serial=333)
TELEPHONE, ADDRESS, CONTACT = "13912345678", "重庆市渝中区种植路77号", "联络人种植"
PLANTED = (ID_NUMBER, ID_NUMBER[:17], TELEPHONE, ADDRESS, CONTACT, "人选种植")


def planted() -> RecommendationForm:
    return msgspec.structs.replace(
        person(1), name="人选种植", id_number=ID_NUMBER, employer_telephone=TELEPHONE,
        employer_address=ADDRESS, employer_contact=CONTACT,
    )  # fmt: skip


async def test_planted_values_stay_in_the_form(
    staff_app: StaffApp,
    chosen: Chosen,
    keys: PersonalKeys,
    officer: Account,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = await seat_officer(staff_app, chosen.bodies["south"], "other")
    await submitted(
        staff_app.database, keys, chosen, body=chosen.bodies["south"], officer=other, form=planted()
    )
    result = await drafted_in_north(staff_app, keys, chosen, officer, planted())
    client = await staff_app.signed_in_client("recommender", officer.name)
    mine, form = f"{LIST}/{result.id}", planted()
    wrong = {"id_number": f"{ID_NUMBER}1", "birth": ADDRESS}
    files = {"photo": (f"{ID_NUMBER}.exe", b"MZ"), "other": (f"{TELEPHONE}.pdf", EVIDENCE)}
    with structlog.testing.capture_logs() as logged:
        answers = [
            *[await client.get(path) for path in (LIST, mine, f"{mine}/steps/person")],
            await post_step(client, result.id, "person", wrong, seen=form, files=files),
            await post_step(client, result.id, "person", {}, seen=form, mark="0"),
            await client.get(f"{mine}/steps/person/{ID_NUMBER}"),
            await client.post(f"{mine}/submit", data={"revision": str(result.revision + 1)}),
            await client.post(f"{mine}/withdraw", data={"reason": ID_NUMBER * 100}),
        ]
        refused = [
            await post_step(client, result.id, "person", wrong, seen=form, json=True),
            await post_step(client, result.id, "work", {"trade": ADDRESS * 3000}),
            await client.post(f"{mine}/submit", data={ID_NUMBER: TELEPHONE, "csrf": "x"}),
        ]
    away = [
        *[str(answer.url) for answer in answers if ID_NUMBER not in answer.request.url.path],
        *[answer.headers.get("location", "") for answer in answers],
        *[answer.text for answer in refused],
        *capfd.readouterr(),
        caplog.text,
        json.dumps(logged, default=str, ensure_ascii=False),
        await all_text(staff_app, "audit_log"),
    ]
    assert {answer.status_code for answer in refused} == {200, 400, 403}
    for text in away:
        assert [value for value in PLANTED if value in text] == []


async def all_text(staff_app: StaffApp, table: str) -> str:
    owner = await connect(staff_app.settings.migration_url)
    rows = await owner.fetch(f"select t::text as row from {table} t")
    await owner.close()
    return "\n".join(row["row"] for row in rows)


async def test_no_table_has_personal_data_unencrypted(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    await submitted(
        staff_app.database,
        keys,
        chosen,
        body=chosen.bodies["north"],
        officer=officer,
        form=planted(),
    )
    owner = await connect(staff_app.settings.migration_url)
    names = await owner.fetch(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables "
        "where schemaname in ('nomination', 'public')"
    )
    await owner.close()
    assert "nomination.submissions" in {row["name"] for row in names}
    needles = [*PLANTED, *(value.encode().hex() for value in PLANTED), PHOTO.hex()[:200]]
    for row in names:
        text = await all_text(staff_app, row["name"])
        assert [value for value in needles if value in text] == [], row["name"]


async def test_every_view_is_in_the_audit_log(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    result = await submitted(
        staff_app.database,
        keys,
        chosen,
        body=chosen.bodies["north"],
        officer=officer,
        form=planted(),
    )
    client = await staff_app.signed_in_client("recommender", officer.name)
    looks = {
        LIST: ("viewed", "recommendations of north"),
        f"{LIST}/{result.id}": ("viewed", f"recommendation {result.id}"),
        f"{LIST}/{result.id}/receipt": ("viewed", f"recommendation {result.id}"),
        f"{LIST}/{result.id}/files/photo": ("viewed", f"recommendation {result.id}"),
        f"{LIST}/{result.id}/files/evidence": ("viewed", f"recommendation {result.id}"),
        f"{LIST}/{result.id}/form.pdf": ("exported", f"recommendation {result.id}"),
    }
    for path, expected in looks.items():
        answer: httpx.Response = await client.get(path)
        assert answer.status_code == 200, path
        line = await staff_app.database.fetchrow(
            "select actor, act, subject from audit_log order by entry desc limit 1"
        )
        assert line is not None
        assert tuple(line) == (officer.name, *expected), path
