"""The settings of messages are checked at the start, and none weakens encryption by accident."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from voting_service.errors import InvalidInput
from voting_service.settings import Settings, load_settings
from voting_service.staff.messages.model import masked, parse_address
from voting_service.staff.messages.senders import open_channels

FROM = {"mail_from": "noreply@example.org"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"smtp_url": "mail.example.org", **FROM},
        {"smtp_url": "http://mail.example.org", **FROM},
        {"smtp_url": "smtp://mail.example.org:port", **FROM},
        {"smtp_url": "smtp://mail.example.org?starttls=no", **FROM},
        {"smtp_url": "smtp://mail.example.org?starttls=maybe", **FROM},
        {"smtp_url": "smtps://mail.example.org"},
        {"smtp_url": "smtps://mail.example.org", "mail_from": "Office <noreply@example.org>"},
        {"sms_webhook": "http://sms.example.org/send"},
        {"sms_webhook": "sms.example.org"},
        {"wework_webhook": "https://qyapi.weixin.qq.com/a b"},
        {"smtp_ca_file": "/no/such/file.pem"},
    ],
)
def test_a_wrong_setting_is_refused(settings: Settings, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({**settings.model_dump(), **wrong})


def test_the_fault_of_a_missing_sender_names_its_variable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("DATABASE_URL", settings.database_url),
        ("VALKEY_URL", settings.valkey_url),
        ("SIGNING_KEY_FILE", str(settings.signing_key_file)),
        ("MASTER_KEY", "A" * 43 + "="),
        ("SMTP_URL", "smtps://office:secret@mail.example.org"),
        ("SMS_WEBHOOK", "ftp://secret"),
    ):
        monkeypatch.setenv(f"VOTING_{name}", value)
    with pytest.raises(InvalidInput) as refused:
        load_settings()
    assert {fault.field for fault in refused.value.faults} == {
        "VOTING_MAIL_FROM", "VOTING_SMS_WEBHOOK",
    }  # fmt: skip
    assert "secret" not in str(refused.value)


def test_channels_are_off_unless_set_up(settings: Settings) -> None:
    assert open_channels(settings) == ()
    values = {
        "smtp_url": "smtp://127.0.0.1:25?starttls=no",
        **FROM,
        "sms_webhook": "http://127.0.0.1:9/",
    }
    changed = Settings.model_validate({**settings.model_dump(), **values})
    assert open_channels(changed) == ("email", "sms")
    assert "127.0.0.1:9" not in repr(changed)


@pytest.mark.parametrize(
    ("typed", "address", "shown"),
    [
        (" li.na+1@mail.example.org ", "li.na+1@mail.example.org", "l***@mail.example.org"),
        ("138 1234 5678", "13812345678", "138****5678"),
        ("+86-138-1234-5678", "13812345678", "138****5678"),
        ("+852 6123 4567", "+85261234567", "+852****4567"),
    ],
)
def test_addresses_as_people_type_them(typed: str, address: str, shown: str) -> None:
    parsed = parse_address("email" if "@" in typed else "sms", typed)
    assert (parsed, masked(parsed)) == (address, shown)


@pytest.mark.parametrize(
    "typed",
    ["", "a@b", "a b@example.org", "a@example..org", "a@x.org\nBcc: b@x.org", "12345678901"],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    for channel in ("email", "sms"):
        with pytest.raises(InvalidInput):
            parse_address("email" if channel == "email" else "sms", typed)
