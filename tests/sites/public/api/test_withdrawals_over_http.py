"""What voters and readers see when a candidate is corrected or withdraws."""

from __future__ import annotations

import re
from datetime import timedelta

from tests.candidate_changes import TwoPeople
from tests.contest_data import SLUG, execute_as_owner
from tests.picture_files import encoded
from tests.sites.public.api.running_service import MovedClock, Service, check_problem
from voting_service.contests.pictures.model import Picture
from voting_service.contests.repository import load_contest

API = f"/api/v1/contests/{SLUG}"
NEW_NAME = {"zh": "王五", "en": "Wang Wu"}


async def page(service: Service, below: str, language: str = "en") -> str:
    answer = await service.client.get(f"/{language}/{SLUG}{below}")
    assert answer.status_code == 200, below
    return answer.text


async def test_the_moment_of_arrival_decides(service: Service, clock: MovedClock) -> None:
    noon = service.contest.midnight_after(clock()) + timedelta(hours=12)
    clock.set(noon)  # so that an hour later is the same day
    early, late, only = [await service.open_session() for _ in range(3)]
    first = await service.cast(early, [1, 2])
    assert first.status_code == 201
    people = await TwoPeople.store(service.database)
    await people.withdraw(await load_contest(service.database, SLUG), 2, "died")
    await execute_as_owner(  # so that the moment is far, however slow the test
        service.settings.migration_url,
        "alter table withdrawals disable trigger withdrawals_stay;"
        f" update withdrawals set withdrawn_at = '{noon + timedelta(hours=1)}'",
    )
    await service.refresh()
    contest = service.state.contest_state(SLUG).contest
    moment = contest.withdrawals[0].withdrawn_at
    assert (await service.cast(only, [2])).status_code == 201, "it arrived before the moment"
    clock.set(moment + timedelta(seconds=1))
    again = await service.cast(early, [2, 1])
    assert (again.status_code, again.content) == (200, first.content), "a retry has its receipt"
    assert (await service.cast(early, [1])).status_code == 409
    refused = await service.cast(late, [1, 2])
    problem = check_problem(refused, 422, "choices")
    assert re.search(r"candidate 2 withdrew on \d{4}-", problem["errors"][0]["message"])
    assert (await service.cast(late, [1, 99])).json()["errors"][0]["field"] == "choices[1]"
    assert (await service.cast(late, [1])).status_code == 201, "without the candidate it counts"
    # A retry stays in its day: the next day its ballot is no ballot of that day.
    period = contest.period(clock()).isoformat()
    clock.set(clock() + timedelta(days=1))
    fresh = {"authorization": f"Bearer {await service.open_session()}"}
    over = await service.client.post(
        f"{API}/ballots", headers=fresh, json={"choices": [1, 2], "period": period}
    )
    assert over.status_code == 409
    assert await service.stored_ballots() == 3


async def test_standings_close_up_and_it_is_on_every_page(service: Service) -> None:
    for choices in ([2], [2, 1], [2, 1, 3]):
        assert (await service.cast(await service.open_session(), choices)).status_code == 201
    await service.reconcile()
    before = (await service.client.get(f"{API}/standings")).json()
    assert [line["number"] for line in before["candidates"]][:2] == [2, 1]
    assert "withdrawn" not in before
    listed = await service.client.get(f"{API}/candidates")
    people = await TwoPeople.store(service.database)
    contest = await people.withdraw(await load_contest(service.database, SLUG), 2, "disqualified")
    await service.refresh()
    await service.reconcile()
    after = (await service.client.get(f"{API}/standings")).json()
    assert [(c["number"], c["votes"], c.get("rank")) for c in after["candidates"]][:2] == [
        *((1, 2, 1), (3, 1, 2))
    ]
    assert [(c["number"], c["votes"]) for c in after["withdrawn"]] == [(2, 3)]
    assert after["ballots"] == 3, "a ballot that names nobody else is still a ballot"

    again = await service.client.get(
        f"{API}/candidates", headers={"if-none-match": listed.headers["etag"]}
    )
    assert again.status_code == 200, "the old entity tag is void"
    profiles = {profile["number"]: profile for profile in again.json()["candidates"]}
    assert profiles[2]["withdrawn"]["ground"] == "disqualified"
    assert "withdrawn" not in profiles[1]
    [withdrawal] = (await service.client.get(f"{API}/corrections")).json()["withdrawals"]
    assert (withdrawal["number"], withdrawal["reason"]["en"]) == (2, "at the candidate's request")

    cards = await page(service, "")
    assert 'data-choose="1"' in cards
    assert re.search(r"<h1>\d+ candidates, 1 withdrawn</h1>", cards)
    assert 'data-choose="2"' not in cards
    assert cards.rindex('data-number="2"') > cards.rindex('data-number="5"'), "they stand last"
    ballot = await page(service, "/ballot")
    assert 'name="choice" value="1"' in ballot
    assert 'name="choice" value="2"' not in ballot
    for language, text in (("en", "Disqualified"), ("zh", "取消参评资格")):
        profile = await page(service, "/candidates/2", language)
        assert text in profile
        assert 'data-choose="2"' not in profile
        assert text in await page(service, "/corrections", language)
    assert "Withdrawn and not ranked" in await page(service, "/standings")
    rules = await page(service, "/rules")
    assert "If a candidate withdraws" in rules
    assert f"/en/{SLUG}/corrections" in rules
    assert contest.candidates[1].name.en in await page(service, "/standings")

    # Somebody who had chosen the candidate sees it, and removes them.
    review = f"/en/{SLUG}/ballot/review"
    refused = await service.client.post(review, data={"choice": ["1", "2"]})
    assert refused.status_code == 422
    assert f"No longer in the contest: {contest.candidates[1].name.en}" in refused.text
    assert 'name="remove" value="2"' in refused.text
    kept = await service.client.get(review)  # the cookie has both
    assert "No longer in the contest" in kept.text
    assert 'action="/en/test-2022/ballot"' not in kept.text
    removed = await service.client.post(review, data={"choice": ["1", "2"], "remove": "2"})
    assert removed.status_code == 303
    assert "No longer in the contest" not in (await service.client.get(review)).text


async def test_a_correction_is_shown_everywhere_and_listed(service: Service) -> None:
    people = await TwoPeople.store(service.database)
    contest = await load_contest(service.database, SLUG)
    old_name = contest.candidates[0].name.en
    tags = {
        path: (await service.client.get(path)).headers["etag"]
        for path in (f"{API}/candidates/1", f"/en/{SLUG}/candidates/1", f"{API}/corrections")
    }
    assert "Nothing has been corrected" in await page(service, "/corrections")
    picture = encoded(90)
    await people.correct(contest, 1, picture, name=NEW_NAME)
    await service.refresh()
    for path, etag in tags.items():
        answer = await service.client.get(path, headers={"if-none-match": etag})
        assert answer.status_code == 200, path
        assert "Wang Wu" in answer.text, path
    profile = (await service.client.get(f"{API}/candidates/1")).json()
    assert profile["portrait"]["hash"] == picture.hash
    address = Picture(picture.hash, picture.width, picture.height).url(160, "webp")
    assert (await service.client.get(address)).status_code == 200
    [correction] = (await service.client.get(f"{API}/corrections")).json()["corrections"]
    assert correction["before"]["name"]["en"] == old_name
    assert correction["after"]["name"] == NEW_NAME
    for below in ("/candidates/1", "/corrections"):
        text = await page(service, below)
        assert f"<del>{old_name}</del>" in text
        assert "<ins>Wang Wu</ins>" in text
        assert "a typing mistake" in text
        assert Picture(picture.hash, picture.width, picture.height).jpeg_url in text
    assert "Wang Wu" in await page(service, "")
