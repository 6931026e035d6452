"""Messages reach a real mail server and real webhooks, or say why they did not."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.fakes.mail_server import MailServer, certificate, mail_server, webhook
from tests.patience import eventually
from tests.staff.messages.conftest import PEOPLE, ended, give_address, mail_settings, sending
from voting_service.errors import Unavailable
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings
from voting_service.staff.accounts.repository import load_account
from voting_service.staff.actor import Actor
from voting_service.staff.jobs import model as jobs
from voting_service.staff.jobs.service import try_again
from voting_service.staff.messages import senders
from voting_service.staff.messages.model import (
    WORDED,
    NewMessage,
    default_wording,
    sample_params,
    wording_faults,
)
from voting_service.staff.messages.service import JOB_KIND, tell


async def put(
    database: Connection, account_ids: list[int], key: str = "accepted/1", **changed: Any
) -> None:
    """Store a message that somebody's recommendation was accepted."""
    values = {"kind": "accepted", "key": key, "params": sample_params("accepted"), **changed}
    async with database.transaction():
        await tell(database, account_ids, NewMessage(**values), system_clock())


async def outcome(database: Connection) -> tuple[str, str, str]:
    """The newest message's outcome, why it failed, and where it went."""
    row = await database.fetchrow(
        "select outcome, failure ->> 'en' as failure, sent_to from messages"
        " order by id desc limit 1"
    )
    assert row is not None
    return row["outcome"], row["failure"] or "", row["sent_to"] or ""


async def test_every_kind_arrives_in_the_reader_s_language_over_tls(
    database: Connection, people: dict[str, int], mail: MailServer, mailing: Settings
) -> None:
    for kind in WORDED:
        assert wording_faults(kind, default_wording(kind)) == []
        await put(
            database, [*people.values()], f"{kind}/1",
            kind=kind, params=sample_params(kind), path="/selections/x",
        )  # fmt: skip
    async with sending(mailing):
        await ended(database, 2 * len(WORDED))
    assert all(mail.encrypted)
    seen: dict[str, set[str]] = {"li@example.org": set(), "lee@example.org": set()}
    for at, item in enumerate(mail.mails):
        text = mail.text(at)
        assert f"{mailing.staff_url}/selections/x" in text
        assert "{" not in text + item["Subject"]
        is_chinese = re.search("[\u4e00-\u9fff]", item["Subject"] + text) is not None
        assert is_chinese == (item["To"] == "li@example.org"), text
        assert item["From"] == "noreply@vote.example.org"
        assert item["Auto-Submitted"] == "auto-generated"
        seen[item["To"]].add(item["Message-ID"])
    assert [len(ids) for ids in seen.values()] == [len(WORDED), len(WORDED)]
    assert await outcome(database) == ("sent", "", "l***@example.org")


async def test_a_message_is_stored_with_its_act_once_and_without_the_address(
    database: Connection, people: dict[str, int], mail: MailServer, mailing: Settings
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction():
            await put(database, [*people.values()], "undone/1")
            raise ZeroDivisionError
    assert await database.fetchval("select count(*) from messages") == 0
    for _ in range(2):
        await put(database, [*people.values()])
    assert await database.fetchval("select count(*) from messages") == 2
    async with sending(mailing):
        await ended(database, 2)
    assert len(mail.mails) == 2
    stored = await database.fetchval(
        "select string_agg(m::text, '') || (select string_agg(c::text, '') from account_contacts c)"
        " from messages m"
    )
    assert not any(address in stored for _, address in PEOPLE.values())


async def test_nobody_gets_a_message_without_a_verified_address_or_with_a_disabled_account(
    database: Connection, people: dict[str, int]
) -> None:
    await database.execute("update account_contacts set verified_at = null where language = 'zh'")
    await database.execute("update accounts set disabled = true where name = 'reader-en'")
    await put(database, [*people.values()])
    assert await database.fetchval("select count(*) from messages") == 0


async def test_where_no_channel_is_set_up_nothing_is_sent_and_that_is_logged(
    database: Connection, people: dict[str, int], settings: Settings
) -> None:
    await put(database, [people["reader-zh"]])
    async with sending(settings):
        await ended(database, 1)
    assert (await outcome(database))[0] == "off"


async def test_a_demo_keeps_the_text(
    database: Connection, people: dict[str, int], settings: Settings
) -> None:
    await put(database, [people["reader-en"]])
    async with sending(settings.model_copy(update={"keep_messages": True})):
        await ended(database, 1)
    kept = await database.fetchval("select kept from messages")
    assert "accepted" in kept["subject"]
    assert f"{settings.staff_url}/" in kept["text"]


@pytest.mark.usefixtures("quick_retries")
async def test_a_server_that_comes_back_gets_the_message(
    database: Connection,
    people: dict[str, int],
    settings: Settings,
    tls_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(senders, "OPEN_SECONDS", 0.001)
    tls = certificate(tls_folder)
    async with mail_server(tls) as first:
        port = first.port
    mailing = settings.model_copy(update=mail_settings(port, tls_folder))
    await put(database, [people["reader-en"]])
    async with sending(mailing):

        async def was_tried() -> bool:
            failure = await database.fetchval("select failure ->> 'en' from messages")
            return bool(failure == "The server cannot be reached.")

        await eventually(was_tried)
        async with mail_server(tls, port=port) as server:
            await ended(database, 1)
            assert len(server.mails) == 1
    assert (await outcome(database))[0] == "sent"


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("away", "cannot be reached"),
        ("slow", "did not answer within"),
        ("refuses the recipient", "refuses the message (550)"),
        ("busy", "does not take messages at the moment (451)"),
        ("wrong password", "does not accept our user and password (535)"),
        ("unknown certificate", "certificate cannot be verified"),
        ("no encryption", "offers no encryption"),
    ],
)
async def test_what_cannot_be_delivered_fails_with_a_reason_and_can_be_sent_again(
    database: Connection,
    people: dict[str, int],
    mail: MailServer,
    mailing: Settings,
    fault: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(jobs._MAX_ATTEMPTS, JOB_KIND, 2)
    changed: dict[str, Any] = {}
    match fault:
        case "away":
            async with mail_server() as gone:
                changed = {"smtp_url": SecretStr(f"smtp://127.0.0.1:{gone.port}")}
        case "slow":
            monkeypatch.setattr(senders, "SEND_SECONDS", 0.2)
            mail.open.clear()
        case "refuses the recipient":
            mail.refusal = "550 no such person: lee@example.org"
        case "busy":
            mail.refusal = "451 greylisted"
        case "wrong password":
            changed = {"smtp_url": SecretStr(f"smtp://office:wrong@127.0.0.1:{mail.port}")}
        case "unknown certificate":
            certificate(tmp_path)
            changed = {"smtp_ca_file": tmp_path / "mail.crt"}
    if fault == "no encryption":
        async with mail_server() as plain:
            changed = {"smtp_url": SecretStr(f"smtp://127.0.0.1:{plain.port}")}
            await _fails(database, people, mailing.model_copy(update=changed), sentence)
    else:
        await _fails(database, people, mailing.model_copy(update=changed), sentence)
    mail.refusal = ""
    mail.open.set()
    actor = Actor(database, await load_account(database, people["reader-zh"]), system_clock())
    await eventually_again(actor, await database.fetchval("select id from messages"))
    monkeypatch.undo()
    async with sending(mailing):
        await ended(database, 1)
    assert (await outcome(database))[0] == "sent"


async def eventually_again(actor: Actor, message_id: int) -> None:
    """Have a message sent again, once the queue has forgotten its last run."""

    async def is_again() -> bool:
        try:
            await try_again(actor, JOB_KIND, message_id)
        except Unavailable:
            return False
        return True

    await eventually(is_again)


async def _fails(
    database: Connection, people: dict[str, int], settings: Settings, sentence: str
) -> None:
    await put(database, [people["reader-en"]])
    async with sending(settings):
        await ended(database, 1)
    state, failure, _ = await outcome(database)
    assert state == "failed"
    assert sentence in failure
    assert "lee@" not in failure


async def test_implicit_tls_and_a_mail_that_waits_until_it_is_due(
    database: Connection, people: dict[str, int], settings: Settings, tls_folder: Path
) -> None:
    tls = certificate(tls_folder)
    due = system_clock() + timedelta(days=1)
    await put(database, [people["reader-zh"]], "later/1", due_at=due)
    await put(database, [people["reader-en"]])
    async with mail_server(tls, implicit=True) as server:
        values = mail_settings(server.port, tls_folder)
        values["smtp_url"] = SecretStr(f"smtps://127.0.0.1:{server.port}")
        async with sending(settings.model_copy(update=values)):
            await ended(database, 1)
    assert [item["To"] for item in server.mails] == ["lee@example.org"]
    wait = await database.fetchval(
        "select execute_after - created from jobs.pgqueuer where dedupe_key like 'message:%'"
    )
    assert timedelta(hours=23) < wait < timedelta(hours=25)


@pytest.mark.usefixtures("quick_retries")
async def test_text_messages_and_a_group_of_wechat_work(
    database: Connection,
    people: dict[str, int],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(jobs._MAX_ATTEMPTS, JOB_KIND, 2)
    await database.execute("delete from account_contacts")
    reader = people["reader-en"]
    await give_address(settings, reader, "13812345678", channel="sms", language="en")
    await give_address(settings, reader, "13987654321", channel="wework")
    async with webhook() as sms, webhook() as wework:
        changed = {
            "sms_webhook": SecretStr(sms.url),
            "sms_webhook_token": SecretStr("token"),
            "wework_webhook": SecretStr(wework.url),
        }
        await put(database, [reader])
        async with sending(settings.model_copy(update=changed)):
            await ended(database, 2)
            body, authorization = sms.got[0]
            assert (body["to"], authorization) == ("13812345678", "Bearer token")
            assert body["text"] == f"Recommendation no. 17 accepted: {settings.staff_url}/"
            group, _ = wework.got[0]
            assert group["text"]["mentioned_mobile_list"] == ["13987654321"]
            assert "\u7b2c17\u53f7" in group["text"]["content"]
            sms.status, wework.answer = 400, {"errcode": 93000, "errmsg": "invalid url"}
            await put(database, [reader], "accepted/2")
            await ended(database, 4)
            sms.status, wework.answer = 503, {"errcode": 45009}
            await put(database, [reader], "accepted/3")
            await ended(database, 6)
    rows = await database.fetch(
        "select channel, outcome, attempts, failure ->> 'en' as failure, sent_to from messages"
        " order by id"
    )
    assert [(row["channel"], row["outcome"], row["attempts"]) for row in rows] == [
        ("sms", "sent", 1), ("wework", "sent", 1),
        ("sms", "failed", 1), ("wework", "failed", 1),
        ("sms", "failed", 2), ("wework", "failed", 2),
    ]  # fmt: skip
    assert ["400" in rows[2]["failure"], "93000" in rows[3]["failure"]] == [True, True]
    assert rows[0]["sent_to"] == "138****5678"
    assert not any("secret" in (row["failure"] or "") for row in rows)
