"""Every act of the joint office is guarded; found by the routes, so that none is forgotten."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen
from tests.sites.nomination.review.review_data import PATH, store_submitted
from voting_service.sites.nomination.review.routes import ROUTES as REVIEW
from voting_service.sites.nomination.shortlist.routes import ROUTES as PICKS

POSTS = [route.path for route in (*REVIEW, *PICKS) if "POST" in (route.methods or ())]


def address(path: str) -> str:
    return re.sub(r"{\w+(?::\w+)?}", "1", path.replace("/selections/{slug}", PATH))


def posted(path: str, form: Mapping[str, str]) -> dict[str, Any]:
    """A form as the page of a path posts it: with files where the path takes one."""
    if not path.endswith("/stamp"):
        return {"data": form}
    return {"files": {name: (None, text) for name, text in {"text": "", **form}.items()}}


async def test_posts_without_csrf_token_or_from_other_sites_are_refused(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await store_submitted(staff_app, chosen, 1)
    reviewer = await staff_app.signed_in_client("reviewer")
    for path in POSTS:
        for headers, form in (
            ({}, {"csrf": ""}),
            ({}, {"csrf": "0" * 32}),
            ({"origin": "https://evil.example"}, {}),
            ({"sec-fetch-site": "cross-site"}, {}),
        ):
            answer = await reviewer.post(address(path), headers=headers, **posted(path, form))
            assert answer.status_code == 403, (path, headers)


async def test_only_the_joint_office_acts(staff_app: StaffApp, chosen: Chosen) -> None:
    for role in ("auditor", "administrator", "tally_clerk", "recommender", "expert"):
        other = await staff_app.signed_in_client(role)
        for path in POSTS:
            # Auditors read, and setting the filter of the queue is a post.
            expected = 303 if role == "auditor" and address(path) == f"{PATH}/review" else 403
            answer = await other.post(address(path), data={})
            assert answer.status_code == expected, (role, path)
    nobody = staff_app.client()
    for path in POSTS:
        answer = await nobody.post(address(path), data={})
        if path.endswith(".json"):
            assert answer.status_code == 401, "a script keeps its page"
            continue
        assert answer.headers.get("location", "").startswith("/sign-in?next="), path


async def test_nonsense_is_refused_and_never_a_bug(staff_app: StaffApp, chosen: Chosen) -> None:
    await store_submitted(staff_app, chosen, 1)
    reviewer = await staff_app.signed_in_client("reviewer")
    for path in POSTS:
        for value in ("", "x", "-1", "9" * 30, "\ud7ff'\"<>", "2022-13-45"):
            form = dict.fromkeys(
                (
                    "recommendation", "assignee", "verdict", "reason", "note", "source_zh",
                    "source_en", "known_at", "drawn", "settings", "because", "revision", "notice",
                    "about", "received_on", "sender", "content", "answer", "remove", "add",
                    "act", "assignment", "each", "seen", "go", "sort",
                ),
                value,
            )  # fmt: skip
            for number in ("1",) if value else ("1", "9" * 12):
                target = address(path).replace("/1", f"/{number}")
                answer = await reviewer.post(target, data=form)
                assert answer.status_code < 500, (target, value)
    for path in (f"{PATH}/review/{'9' * 12}", f"{PATH}/shortlist/{'9' * 12}"):
        assert (await reviewer.get(path)).status_code == 404
