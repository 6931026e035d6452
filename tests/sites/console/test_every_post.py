"""Every address that takes a post, found by the routes themselves: so none is forgotten."""

from __future__ import annotations

import re

import pytest

from tests.sites.console.running_staff_app import StaffApp
from voting_service.sites.console.routes import ROUTES

PARAMETERS = {"slug": "test-2022", "token": "x" * 43}
POSTS = [route.path for route in ROUTES if "POST" in (route.methods or ())]
OPEN = {"/sign-in", "/sign-in/openid", "/sign-in/passkey", "/invitation/{token}"}
"""Where nobody is signed in yet."""
FOR_AUDITORS = {
    "/account/contacts/{channel}",
    "/account/contacts/{channel}/remove",
    "/account/contacts/{channel}/verify",
    "/account/end-session",
    "/account/openid",
    "/account/passkeys",
    "/account/passkeys/{passkey:int}/remove",
    "/account/password",
    "/confirm",
    "/confirm/openid",
    "/kept/discard",
    "/audit-log/check",
    "/audit-log/export",
    "/sign-out",
}
"""Their own account, and what looks or takes along; nothing of it changes a figure."""


def address(path: str) -> str:
    return re.sub(r"{(\w+)(?::\w+)?}", lambda result: PARAMETERS.get(result[1], "1"), path)


async def test_no_post_is_taken_without_the_session_s_mark(staff_app: StaffApp) -> None:
    taken = []
    for role in ("supervisor", "administrator"):
        client = await staff_app.signed_in_client(role)
        for path in POSTS:
            for form in ({"csrf": ""}, {"csrf": "0" * 32}, {"csrf": client.token}):
                answer = await client.post(address(path), data=form)
                if answer.status_code == 415:  # a form with a file
                    answer = await client.post(address(path), data=form, files={"file": b""})
                if answer.status_code not in (403, 404):
                    taken.append((role, path, answer.status_code))
    assert taken == []


async def test_no_post_of_another_site_is_taken(staff_app: StaffApp) -> None:
    client = await staff_app.signed_in_client("supervisor")
    taken = []
    for path in POSTS:
        for headers in (
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"origin": "https://evil.example"},
            {"origin": "null"},
        ):
            answer = await client.post(address(path), data={}, headers=headers)
            if answer.status_code not in (403, 404):
                taken.append((path, headers, answer.status_code))
    assert taken == []


async def test_nobody_posts_without_a_session(staff_app: StaffApp) -> None:
    client = staff_app.client()
    for path in POSTS:
        if path not in OPEN:
            answer = await client.post(address(path), data={})
            assert answer.headers.get("location", "").startswith("/sign-in?next="), path


async def test_an_auditor_changes_nothing(staff_app: StaffApp) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    for path in POSTS:
        if path not in OPEN | FOR_AUDITORS:
            assert (await auditor.post(address(path), data={})).status_code == 403, path
    assert set(POSTS) >= FOR_AUDITORS


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1@evil.example"])
async def test_no_answer_sends_anybody_to_where_host_points(staff_app: StaffApp, host: str) -> None:
    client = staff_app.client()
    for path in ("/", "/account", "/sign-in/", "//evil.example/", "/sign-in?next=//evil.example"):
        answer = await client.get(path, headers={"host": host})
        assert "evil" not in answer.headers.get("location", ""), path
        assert f"http://{host}" not in answer.text
