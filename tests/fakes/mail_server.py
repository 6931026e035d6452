"""A mail server and a webhook that speak the real protocols, in the test's own process."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.browser.serving import serving

USER, PASSWORD = "office", "p@ss/word"


class MailServer:
    """What a mail server got; `refusal` is its answer to every recipient instead of taking them,
    and a message waits for `open` to be set."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.encrypted: list[bool] = []
        self.refusal = ""
        self.open = asyncio.Event()
        self.open.set()
        self.port = 0

    async def handle_RCPT(  # noqa: N802 (the library looks for it)
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        await self.open.wait()
        mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        assert isinstance(mail, EmailMessage)
        assert envelope.rcpt_tos == [mail["To"]]
        self.mails.append(mail)
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    def text(self, at: int = -1) -> str:
        """The text of a mail, the newest unless named."""
        content: str = self.mails[at].get_content()
        return content


def certificate(folder: Path, host: str = "127.0.0.1") -> ssl.SSLContext:
    """A server's context with a certificate of its own, whose PEM is `folder/mail.crt`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), False)
        .sign(key, hashes.SHA256())
    )
    (folder / "mail.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "mail.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "mail.crt", folder / "mail.key")
    return context


def _authenticate(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
) -> AuthResult:
    is_known = (
        isinstance(data, LoginPassword)
        and data.login == USER.encode()
        and data.password == PASSWORD.encode()
    )
    return AuthResult(success=is_known, handled=is_known)


@asynccontextmanager
async def mail_server(
    tls: ssl.SSLContext | None = None, *, implicit: bool = False, port: int = 0
) -> AsyncIterator[MailServer]:
    """A server on a free port: with `tls` it insists on STARTTLS and a password, or speaks TLS from
    the start."""
    handler = MailServer()
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {}
    if tls is not None and not implicit:
        options = {
            "tls_context": tls,
            "require_starttls": True,
            "authenticator": _authenticate,
            "auth_required": True,
        }

    def protocol() -> SMTP:
        return SMTP(handler, loop=loop, hostname="mail", **options)

    server = await loop.create_server(protocol, "127.0.0.1", port, ssl=tls if implicit else None)
    handler.port = server.sockets[0].getsockname()[1]
    try:
        yield handler
    finally:
        handler.open.set()
        server.close()


class Webhook:
    """What a webhook got, and what it answers."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, Any], str]] = []
        self.status = 200
        self.answer: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}
        self.url = ""

    async def receive(self, request: Request) -> JSONResponse:
        body = json.loads(await request.body())
        self.got.append((body, request.headers.get("authorization", "")))
        return JSONResponse(self.answer, self.status)


@asynccontextmanager
async def webhook() -> AsyncIterator[Webhook]:
    """A webhook at `/send?key=secret` of a free port."""
    hook = Webhook()
    app = Starlette(routes=[Route("/send", hook.receive, methods=["POST"])])
    async with serving(app) as (_server, origin):
        hook.url = f"{origin}/send?key=secret"
        yield hook
