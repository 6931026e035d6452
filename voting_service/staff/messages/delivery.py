"""The kind of job that sends a message: its text is made, and its address read, when it is sent."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from voting_service.errors import Refused, VotingError
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.crypto.key_wrapping import unwrap
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.jobs.model import Attempt, Job, JobContext, register
from voting_service.staff.messages.contacts import ContactContent, read_contact
from voting_service.staff.messages.model import (
    CATALOGUE,
    Channel,
    MessageKind,
    Outcome,
    RenderedMessage,
    Wording,
    default_wording,
    masked,
    render,
)
from voting_service.staff.messages.senders import MessageAttempt, Senders, open_channels
from voting_service.staff.messages.service import (
    JOB_KIND,
    QUERIES,
    InvitationSecret,
    secret_label,
)

MAX_ATTEMPTS = 10
"""With the queue's growing pauses an hour: longer than a mail server's restart or its greylist."""


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it is stored; `contact` and `secret` are encrypted."""

    id: int
    key: str
    kind: MessageKind
    channel: Channel
    account_id: int | None
    language: Language
    params: dict[str, Text]
    path: str
    secret: bytes | None
    wording: Wording | None
    contact: bytes | None

    def render(self, params: dict[str, Text], link: str) -> RenderedMessage:
        wording = self.wording or default_wording(self.kind)
        return render(wording, self.params | params, link, self.language)


class MessageOutcome(msgspec.Struct, frozen=True):
    """What is stored when a message is finished; `sent_to` is masked."""

    outcome: Outcome
    sent_to: str | None = None
    failure: Text | None = None
    kept: RenderedMessage | None = None


class MessageJobs:
    """The kind of job that sends a message."""

    name = JOB_KIND
    time_limit_seconds = 60.0

    def __init__(self) -> None:
        self._senders = Senders()

    async def begin(self, context: JobContext, job_id: int) -> Attempt | None:
        async with context.database.connection() as connection:
            row = await connection.fetchrow(QUERIES["begin_message"], job_id)
        return None if row is None else Attempt(**row)

    async def run(self, context: JobContext, attempt: Attempt) -> None:
        message = await _load(context, attempt.job_id)
        settings = context.settings
        if message.channel not in open_channels(settings):
            await _finish(context, attempt, MessageOutcome("off"))
            return
        try:
            address, rendered = _open(context, message)
            if settings.keep_messages:
                await _finish(
                    context, attempt, MessageOutcome("kept", masked(address), kept=rendered)
                )
                return
            sending = MessageAttempt(
                address, rendered, message.key, message.language, sent_at=context.clock()
            )
            await self._senders.send(settings, message.channel, sending)
        except VotingError as error:
            await _note_failure(context, attempt, Text(error.text("zh"), error.text("en")))
            raise
        await _finish(context, attempt, MessageOutcome("sent", masked(address)))

    async def fail(self, context: JobContext, attempt: Attempt, failure: Text | None) -> None:
        failure = failure or load_text(CATALOGUE, "failures.fault")
        await _finish(context, attempt, MessageOutcome("failed", failure=failure))

    async def load_newest(self, _connection: AnyConnection, _limit: int) -> Sequence[Job]:
        """Return none: messages have a log of their own."""
        return ()

    async def reset(self, connection: AnyConnection, job_id: int) -> bool:
        with domain_errors():
            return await connection.fetchval(QUERIES["reset_message"], job_id) is not None


async def _load(context: JobContext, message_id: int) -> StoredMessage:
    async with context.database.connection() as connection:
        row = await connection.fetchrow(QUERIES["message"], message_id)
    return msgspec.convert(dict(row or {}), StoredMessage)


def _open(context: JobContext, message: StoredMessage) -> tuple[str, RenderedMessage]:
    """Return a message's address and text. Raises Refused where there is no address any more."""
    settings = context.settings
    master_key = settings.master_key.get_secret_value()
    if message.secret is not None:
        content = unwrap(master_key, secret_label(message.key), message.secret)
        secret = msgspec.json.decode(content, type=InvitationSecret)
        return secret.address, message.render({}, secret.link)
    if message.contact is None or message.account_id is None:
        raise Refused("staff.messages.no_address")
    contact: ContactContent = read_contact(
        master_key, message.account_id, message.channel, message.contact
    )
    link = f"{settings.staff_url}{message.path}"
    code = {"code": Text(contact.code, contact.code)} if message.kind == "code" else {}
    return contact.address, message.render(code, link)


async def _note_failure(context: JobContext, attempt: Attempt, failure: Text) -> None:
    async with context.database.connection() as connection:
        await connection.execute(
            QUERIES["note_failure"], attempt.job_id, attempt.number, msgspec.to_builtins(failure)
        )


async def _finish(context: JobContext, attempt: Attempt, ending: MessageOutcome) -> None:
    async with context.database.connection() as connection:
        await connection.execute(
            QUERIES["finish_message"],
            attempt.job_id,
            attempt.number,
            ending.outcome,
            context.clock(),
            msgspec.to_builtins(ending.failure),
            ending.sent_to,
            msgspec.to_builtins(ending.kept),
        )


MESSAGE_JOBS = MessageJobs()
register(MESSAGE_JOBS, max_attempts=MAX_ATTEMPTS)
