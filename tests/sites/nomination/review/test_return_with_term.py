"""Returned after the deadline, with a term in which the body can submit again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, move_window, seat_officer
from tests.sites.nomination.recommendations.posting import LIST, post_step
from tests.sites.nomination.recommendations.recommendation_data import person, submitted
from tests.sites.nomination.review.review_data import PATH, personal_keys
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.recommendations.model import Recommendation
from voting_service.nomination.repository import load_selection
from voting_service.nomination.review.service import default_term

REVIEW = f"{PATH}/review"


async def submitted_before_the_deadline(staff_app: StaffApp, chosen: Chosen) -> Recommendation:
    """A submission of the northern district; the deadline has passed since."""
    officer = await seat_officer(staff_app, chosen.bodies["north"], "officer")
    now = staff_app.clock()
    await move_window(staff_app, chosen.selection, now - timedelta(days=9), now + timedelta(days=1))
    recommendation = await submitted(
        staff_app.database, personal_keys(staff_app), chosen,
        body=chosen.bodies["north"], officer=officer, form=person(1),
    )  # fmt: skip
    await move_window(
        staff_app, chosen.selection, now - timedelta(days=9), now - timedelta(seconds=1)
    )
    return recommendation


def local(chosen: Chosen, moment: datetime) -> str:
    return f"{moment.astimezone(chosen.selection.zone):%Y-%m-%dT%H:%M}"


async def end_term(staff_app: StaffApp) -> None:
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute("update nomination.reviews set correct_until = now() - interval '1 minute'")
    await owner.close()


async def test_until_its_term_ends_a_returned_recommendation_is_corrected_and_submitted_again(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    recommendation = await submitted_before_the_deadline(staff_app, chosen)
    number, form = recommendation.id, recommendation.form
    reviewer = await staff_app.signed_in_client("reviewer")
    term = staff_app.clock() + timedelta(days=2)
    data = {"verdict": "returned", "reason": "请补充证书", "until": local(chosen, term)}
    assert (await reviewer.post(f"{REVIEW}/{number}/verdict", data=data)).status_code == 303
    assert "can submit it again until" in (await reviewer.get(f"{REVIEW}/{number}")).text
    line = await staff_app.database.fetchval(
        "select details ->> 'until' from audit_log where act = 'reviewed'"
    )
    assert datetime.fromisoformat(line).astimezone(UTC).date() == term.astimezone(UTC).date()

    officer = await staff_app.signed_in_client("recommender", "officer")
    for path in (LIST, f"{LIST}/{number}", f"{LIST}/{number}/steps/deeds"):
        assert "submit it again by" in (await officer.get(path)).text, path
    await post_step(officer, number, "deeds", {"deeds": "已补充"}, seen=form)
    again = await officer.post(
        f"{LIST}/{number}/submit", data={"revision": recommendation.revision + 1}
    )
    assert again.headers["location"] == f"{LIST}/{number}/receipt"
    assert "after the deadline" not in (await officer.get(again.headers["location"])).text
    assert "withdraw" not in (await officer.get(f"{LIST}/{number}")).text.lower()


async def test_over_the_term_nothing_is_submitted_until_a_reviewer_acts(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    recommendation = await submitted_before_the_deadline(staff_app, chosen)
    number = recommendation.id
    reviewer = await staff_app.signed_in_client("reviewer")
    officer = await staff_app.signed_in_client("recommender", "officer")
    verdict, send = f"{REVIEW}/{number}/verdict", f"{LIST}/{number}/submit"
    returned = {"verdict": "returned", "reason": "请补充"}
    assert (await reviewer.post(verdict, data=returned)).status_code == 303
    await post_step(officer, number, "deeds", {"deeds": "未提交"}, seen=recommendation.form)
    await end_term(staff_app)
    revision = {"revision": recommendation.revision + 1}
    refused = await officer.post(send, data=revision)
    assert (refused.status_code, "the deadline has passed" in refused.text) == (409, True)
    for path in (LIST, f"{LIST}/{number}", f"{LIST}/{number}/steps/deeds"):
        assert "term for corrections ended" in (await officer.get(path)).text, path
    assert "not submitted again" in (await reviewer.get(f"{REVIEW}/{number}")).text

    assert (await reviewer.post(verdict, data=returned)).status_code == 303, "a new term"
    assert (await officer.post(send, data=revision)).status_code == 303
    assert (await reviewer.post(verdict, data=returned)).status_code == 303
    await end_term(staff_app)
    reopened = {"verdict": "reopened", "reason": "按原材料审核"}
    assert (await reviewer.post(verdict, data=reopened)).status_code == 303
    assert "未提交" in (await officer.get(f"{LIST}/{number}")).text
    assert (await reviewer.post(verdict, data={"verdict": "accepted"})).status_code == 303


@pytest.mark.parametrize("days", [-1, 31])
async def test_a_refusal_stands_at_its_field_with_what_was_typed(
    staff_app: StaffApp, chosen: Chosen, days: int
) -> None:
    recommendation = await submitted_before_the_deadline(staff_app, chosen)
    page = f"{REVIEW}/{recommendation.id}"
    reviewer = await staff_app.signed_in_client("reviewer")
    until = local(chosen, staff_app.clock() + timedelta(days=days))
    late = {"verdict": "returned", "reason": "写了很久的理由", "until": until}
    for data, field in (
        (late, "until"),
        ({**late, "until": "soon"}, "until"),
        ({**late, "reason": " "}, "reason"),
        ({**late, "verdict": ""}, "verdict"),
    ):
        refused = await reviewer.post(f"{page}/verdict", data=data)
        assert refused.status_code == 422, data
        form = refused.text.split(f"{page}/verdict")[1].split("</form>")[0]
        assert form.count('class="fault"') == 1, field
        assert data["reason"].strip() in form
        assert f'value="{data["until"]}"' in form
    note = await reviewer.post(f"{page}/notes", data={"note": "长" * 2001})
    assert (note.status_code, "长" * 2001 in note.text) == (422, True)


@pytest.mark.parametrize(
    ("returned", "term"),
    [
        ("2022-07-04T09:00", "2022-07-07T18:00"),  # Monday to Thursday
        ("2022-07-07T23:59", "2022-07-12T18:00"),  # Thursday, over a weekend
        ("2022-07-09T09:00", "2022-07-13T18:00"),  # Saturday
        ("2022-06-01T09:00", "2022-06-30T18:00"),  # not before the deadline
    ],
)
async def test_the_term_is_three_working_days_unless_another_is_set(
    staff_app: StaffApp, chosen: Chosen, returned: str, term: str
) -> None:
    zone = chosen.selection.zone
    await move_window(
        staff_app, chosen.selection,
        datetime(2022, 5, 1, tzinfo=zone), datetime(2022, 6, 30, 18, tzinfo=zone),
    )  # fmt: skip
    selection = await load_selection(staff_app.database, chosen.selection.slug)
    moment = datetime.fromisoformat(returned).replace(tzinfo=zone)
    assert default_term(selection, moment) == datetime.fromisoformat(term).replace(tzinfo=zone)
