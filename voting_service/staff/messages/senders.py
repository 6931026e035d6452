"""Senders: one for each channel, behind one interface.

A sender raises Unavailable for what may pass (no connection, a slow or busy server, wrong
credentials that an operator can correct) and Refused for what will not (no such recipient). Neither
names the address, nor what a server answered beside its code: either could hold personal data.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import blake2b
from typing import NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib
import httpx
import msgspec

from voting_service.errors import Refused, Unavailable
from voting_service.infrastructure.circuit_breaker import CircuitBreaker
from voting_service.infrastructure.http_clients.client import (
    Answer,
    BoundedClient,
    open_http_client,
)
from voting_service.settings import Settings
from voting_service.staff.messages.model import Channel, RenderedMessage

SEND_SECONDS = 20.0
"""How long one message may take, from the connection to the server's last answer."""
FAILURE_THRESHOLD = 3
OPEN_SECONDS = 30.0
"""After three failures in a row a channel rests for so long, and its messages do not hold up the
jobs behind them."""
_BUSY = (408, 425, 429)
_WEWORK_BUSY = (-1, 45009)
"""WeChat Work's codes for "system busy" and "called too often"."""


class MessageAttempt(NamedTuple):
    """A message and where it goes. `key` is the same at every attempt, so that a receiver can tell
    a repetition."""

    address: str
    message: RenderedMessage
    key: str
    language: str
    sent_at: datetime


class MessageSender(Protocol):
    """Sends messages over one channel."""

    async def send(self, sending: MessageAttempt) -> None:
        """Send a message. Raises Unavailable or Refused."""


class MailSender:
    """E-mail over SMTP. Connections are encrypted and certificates checked, except to a server on
    this machine whose URL has `starttls=no`."""

    def __init__(self, settings: Settings) -> None:
        assert settings.smtp_url is not None and settings.mail_from is not None
        self._url = urlsplit(settings.smtp_url.get_secret_value())
        self._from = settings.mail_from
        self._tls = ssl.create_default_context()
        if settings.smtp_ca_file is not None:
            self._tls.load_verify_locations(settings.smtp_ca_file)

    async def send(self, sending: MessageAttempt) -> None:
        is_implicit = self._url.scheme == "smtps"
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await aiosmtplib.send(
                    self._compose(sending),
                    sender=self._from,
                    recipients=[sending.address],
                    hostname=self._url.hostname,
                    port=self._url.port or (465 if is_implicit else 587),
                    username=unquote(self._url.username) if self._url.username else None,
                    password=unquote(self._url.password) if self._url.password else None,
                    timeout=SEND_SECONDS,
                    use_tls=is_implicit,
                    start_tls=not is_implicit and not self._url.query,
                    tls_context=self._tls,
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refusal(error.recipients[0].code) from None
        except aiosmtplib.SMTPAuthenticationError as error:
            raise Unavailable("staff.messages.smtp_credentials", code=error.code) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _refusal(error.code) from None
        except (TimeoutError, aiosmtplib.SMTPTimeoutError):
            raise Unavailable("staff.messages.server_slow", seconds=int(SEND_SECONDS)) from None
        except ssl.SSLError:
            raise Unavailable("staff.messages.smtp_certificate") from None
        except (OSError, aiosmtplib.SMTPException) as error:
            raise Unavailable(f"staff.messages.{_cause(error)}") from None

    def _compose(self, sending: MessageAttempt) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._from
        mail["To"] = sending.address
        mail["Subject"] = sending.message.subject
        mail["Date"] = format_datetime(sending.sent_at)
        domain = self._from.rpartition("@")[2]
        mail["Message-ID"] = f"<{message_id(sending.key)}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(sending.message.text)
        mail["Content-Language"] = sending.language
        return mail


def _cause(error: Exception) -> str:
    """Return the name of the sentence for a failed connection."""
    if isinstance(error.__cause__, ssl.SSLError):
        return "smtp_certificate"
    # The library has no exception of its own for a server that lacks the command.
    return "smtp_not_encrypted" if "STARTTLS" in str(error) else "server_away"


def message_id(key: str) -> str:
    """Return what names a message to servers and receivers without telling anything of it."""
    return blake2b(key.encode(), digest_size=16).hexdigest()


def _refusal(code: int) -> Refused | Unavailable:
    if code >= 500:
        return Refused("staff.messages.server_refuses", code=code)
    return Unavailable("staff.messages.server_busy", code=code)


class TextMessageSender:
    """Text messages through a webhook of the operator's: `{"id", "to", "text"}` is posted, and any
    status from 200 to 299 means that the message was taken."""

    def __init__(self, settings: Settings) -> None:
        assert settings.sms_webhook is not None
        self._url = settings.sms_webhook.get_secret_value()
        token = settings.sms_webhook_token
        self._headers = (
            {} if token is None else {"authorization": f"Bearer {token.get_secret_value()}"}
        )

    async def send(self, sending: MessageAttempt) -> None:
        body = {
            "id": message_id(sending.key),
            "to": sending.address,
            "text": sending.message.short,
        }
        await _post(self._url, body, self._headers)


class GroupMessageSender:
    """The robot of a WeChat Work group, which mentions the person by mobile number."""

    def __init__(self, settings: Settings) -> None:
        assert settings.wework_webhook is not None
        self._url = settings.wework_webhook.get_secret_value()

    async def send(self, sending: MessageAttempt) -> None:
        text = {
            "content": sending.message.short,
            "mentioned_mobile_list": [sending.address],
        }
        answer = await _post(self._url, {"msgtype": "text", "text": text}, {})
        try:
            code = msgspec.json.decode(answer.body, type=dict[str, object]).get("errcode")
        except msgspec.DecodeError:
            code = None
        if code in _WEWORK_BUSY or not isinstance(code, int):
            raise Unavailable("staff.messages.server_busy", code=code)
        if code != 0:
            raise Refused("staff.messages.server_refuses", code=code)


async def _post(url: str, body: object, headers: dict[str, str]) -> Answer:
    """Post JSON. Raises Unavailable, which never names the URL: it is a secret."""
    async with open_http_client() as http:
        client = BoundedClient(http, deadline_seconds=SEND_SECONDS)
        try:
            answer = await client.post(
                url,
                msgspec.json.encode(body),
                {"content-type": "application/json; charset=utf-8", **headers},
            )
        except httpx.InvalidURL:
            raise Unavailable("staff.messages.server_away") from None
    if 200 <= answer.status < 300:
        return answer
    if 400 <= answer.status < 500 and answer.status not in _BUSY:
        raise Refused("staff.messages.server_refuses", code=answer.status)
    raise Unavailable("staff.messages.server_busy", code=answer.status)


def open_channels(settings: Settings) -> tuple[Channel, ...]:
    """Return the channels that are set up; in a demo, which sends nothing, all."""
    set_up: dict[Channel, object] = {
        "email": settings.smtp_url,
        "sms": settings.sms_webhook,
        "wework": settings.wework_webhook,
    }
    return tuple(c for c in set_up if settings.keep_messages or set_up[c] is not None)


class Senders:
    """The senders of one process, each with a circuit breaker."""

    def __init__(self) -> None:
        self._breakers: dict[Channel, CircuitBreaker] = {}

    async def send(self, settings: Settings, channel: Channel, sending: MessageAttempt) -> None:
        """Send a message over a channel that is set up. Raises Unavailable or Refused."""
        kinds: dict[Channel, Callable[[Settings], MessageSender]] = {
            "email": MailSender,
            "sms": TextMessageSender,
            "wework": GroupMessageSender,
        }
        breaker = self._breakers.setdefault(
            channel,
            CircuitBreaker(
                time.monotonic, failure_threshold=FAILURE_THRESHOLD, open_seconds=OPEN_SECONDS
            ),
        )
        if not breaker.try_acquire():
            raise Unavailable("staff.messages.server_away")
        sender: MessageSender = kinds[channel](settings)
        try:
            await sender.send(sending)
        except Unavailable:
            breaker.record_failure()
            raise
        except Refused:
            breaker.record_success()
            raise
        breaker.record_success()
