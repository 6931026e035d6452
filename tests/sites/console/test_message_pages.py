"""Addresses given on the account page, the log of messages, and the link of an invitation."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.mail_server import MailServer, certificate, mail_server
from tests.patience import eventually
from tests.sites.console.running_staff_app import StaffApp, StaffClient, running_staff_app
from tests.sites.console.test_settings_pages import later
from tests.sites.public.api.running_service import MovedClock
from tests.staff.messages.conftest import (
    ended,
    give_address,
    mail_settings,
    sending,
)
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings
from voting_service.staff.messages.contacts import MAX_CODE_TRIES

CONTACT = "/account/contacts/email"


@pytest.fixture
async def mail(tmp_path: Path) -> AsyncIterator[MailServer]:
    async with mail_server(certificate(tmp_path)) as server:
        yield server


@pytest.fixture
async def mailing(
    settings: Settings, clock: MovedClock, mail: MailServer, tmp_path: Path
) -> AsyncIterator[StaffApp]:
    """A console that offers e-mail, and a worker that sends it."""
    changed = settings.model_copy(update=mail_settings(mail.port, tmp_path))
    async with running_staff_app(changed, clock) as running, sending(changed):
        yield running


async def test_an_address_is_used_once_its_code_was_typed(
    mailing: StaffApp, mail: MailServer, clock: MovedClock
) -> None:
    client = await mailing.signed_in_client("reviewer")
    refused = await client.post(CONTACT, data={"address": "li@example", "language": "en"})
    assert refused.status_code == 422
    assert "must be an e-mail address" in refused.text
    assert 'value="li@example"' in refused.text
    saved = await client.post(CONTACT, data={"address": "li@example.org", "language": "zh"})
    assert saved.headers["location"] == "/account#messages"
    await eventually(lambda: len(mail.mails) == 1)
    code = re.search(r"\d{6}", mail.text())
    assert code is not None
    assert mail.mails[0]["Subject"] == f"\u9a8c\u8bc1\u7801\uff1a{code[0]}"
    assert code[0] not in await _stored(mailing.database)
    page = (await client.get("/account")).text
    assert "l***@example.org" in page
    assert "li@example.org" not in page
    hasty = await client.post(CONTACT, data={"address": "other@example.org"})
    assert (hasty.status_code, "Try again in a minute" in hasty.text) == (409, True)

    for _ in range(MAX_CODE_TRIES):
        wrong = await client.post(f"{CONTACT}/verify", data={"code": "000 000"})
        assert "not the code that was sent" in wrong.text
    late = await client.post(f"{CONTACT}/verify", data={"code": code[0]})
    assert "wrong too often" in late.text
    clock.set(clock() + timedelta(minutes=2))
    await client.post(CONTACT, data={"address": "li@example.org", "language": "en"})
    await eventually(lambda: len(mail.mails) == 2)
    new = re.search(r"\d{6}", mail.text())
    assert new is not None
    assert mail.mails[1]["Subject"] == f"Your code: {new[0]}"
    verified = await client.post(f"{CONTACT}/verify", data={"code": f" {new[0][:3]} {new[0][3:]}"})
    assert verified.status_code == 303
    assert "Verified: messages are sent to l***@example.org" in (await client.get("/account")).text
    acts = await mailing.database.fetch(
        "select act, details::text from audit_log where act like 'contact%'"
    )
    assert [act["act"] for act in acts] == [
        "contact_changed",
        "contact_changed",
        "contact_verified",
    ]
    assert not any("li@" in act["details"] for act in acts)
    assert (await client.post(f"{CONTACT}/remove", data={})).status_code == 303
    assert "example.org" not in (await client.get("/account")).text


async def _stored(database: Connection) -> str:
    text: str = await database.fetchval(
        "select (select string_agg(m::text, '') from messages m)"
        " || (select string_agg(c::text, '') from account_contacts c)"
    )
    return text


async def test_the_link_of_an_invitation_is_sent_and_then_forgotten(
    mailing: StaffApp, mail: MailServer
) -> None:
    administrator = await mailing.signed_in_client("administrator")
    made = await administrator.post(
        "/accounts/invite", data={"role": "auditor", "note": "colleague"}
    )
    link = re.search(r'value="([^"]+/invitation/([^"]+))"', made.text)
    assert link is not None
    form = {"token": link[2], "channel": "email", "address": "new@", "language": "zh"}
    refused = await administrator.post("/invitations/send", data=form)
    assert (refused.status_code, link[1] in refused.text) == (422, True)
    form["address"] = "new@example.org"
    sent = await administrator.post("/invitations/send", data=form)
    assert (sent.status_code, "The link is being sent" in sent.text) == (200, True)
    assert (await administrator.post("/invitations/send", data=form)).status_code == 409
    await eventually(lambda: len(mail.mails) == 1)
    assert link[1] in mail.text()
    assert mail.mails[0]["To"] == "new@example.org"
    assert mail.mails[0]["Content-Language"] == "zh"
    english = {**form, "address": "other@example.org", "language": "en"}
    assert (await administrator.post("/invitations/send", data=english)).status_code == 200
    await eventually(lambda: len(mail.mails) == 2)
    assert mail.mails[1]["Subject"] == "Set up your account"
    assert link[1] in mail.text()
    await ended(mailing.database, 2)
    row = await mailing.database.fetchrow(
        "select secret, sent_to, recipient from messages order by id"
    )
    assert tuple(row or ()) == (None, "n***@example.org", "colleague")
    assert "n***@example.org" in (await administrator.get("/messages")).text
    for role in ("supervisor", "reviewer"):
        client = await mailing.signed_in_client(role)
        assert (await client.post("/invitations/send", data=form)).status_code == 403


async def test_a_proposal_is_sent_to_those_who_approve_and_a_failure_is_on_the_home(
    mailing: StaffApp, mail: MailServer
) -> None:
    mail.refusal = "550 no"
    proposer = await mailing.signed_in_client("supervisor")
    others = [await mailing.account("tally_clerk"), await mailing.account("supervisor", "second")]
    outsider = await mailing.account("reviewer")
    proposing = await mailing.account("supervisor")
    for item in (*others, outsider, proposing):
        await give_address(mailing.settings, item.id, f"a{item.id}@example.org", language="en")
    await _propose_a_setting(mailing, proposer)
    await ended(mailing.database, 2)
    log = (await proposer.get("/messages?state=failed")).text
    assert log.count("Approval waiting") == 2
    assert "refuses the message (550)" in log
    assert "2 messages could not be delivered" in (await proposer.get("/")).text
    mail.refusal = ""
    message = await mailing.database.fetchval("select min(id) from messages")
    administrator = await mailing.signed_in_client("administrator")
    assert (await proposer.post(f"/messages/{message}/send", data={})).status_code == 403

    async def is_sent() -> bool:
        answer = await administrator.post(f"/messages/{message}/send", data={})
        return answer.status_code == 303

    await eventually(is_sent)
    await eventually(lambda: len(mail.mails) == 1)
    assert "supervisor-1 proposed a change of a contest's settings" in mail.text()
    assert mailing.settings.staff_url in mail.text()


async def _propose_a_setting(staff_app: StaffApp, client: StaffClient) -> None:
    answer = await client.post(
        "/contests/test-2022/settings/change/closes_at", data=later(staff_app.contest)
    )
    assert answer.status_code == 303, answer.text


async def test_without_a_channel_nothing_is_offered(staff_app: StaffApp) -> None:
    client = await staff_app.signed_in_client("administrator")
    assert "/account/contacts/" not in (await client.get("/account")).text
    assert (await client.post(CONTACT, data={"address": "a@example.org"})).status_code == 404
    assert "No channel is set up" in (await client.get("/messages")).text
