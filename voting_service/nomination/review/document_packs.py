"""Document packs: forms, photos, evidence and stamped pages of many recommendations as one ZIP,
with their list, made by a background job. Its pieces are encrypted and deleted after a day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import msgspec

from voting_service.errors import NotFound, Refused
from voting_service.i18n.catalogues import load_catalogue, load_text
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.postgres.database import Database
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.infrastructure.typesetting.compiler import in_background
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.documents.recommendation_form import (
    JointOfficeOpinion,
    RecommendationSheet,
    SubmissionReceipt,
    render_recommendation_form,
)
from voting_service.nomination.model import REVIEWERS, Selection
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.file_intake import SUFFIXES
from voting_service.nomination.recommendations.model import receipt_number
from voting_service.nomination.repository import load_selection
from voting_service.nomination.review.joint_office_opinions import load_joint_office_opinions
from voting_service.nomination.review.pack_writer import PACKED_SLOTS, PackWriter, person_names
from voting_service.nomination.review.recommendation_list import ListedContext, write_list
from voting_service.nomination.review.repository import (
    QUERIES,
    SubmittedRecommendation,
    load_submitted_file,
    load_submitted_recommendations,
)
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor
from voting_service.staff.jobs.model import (
    Attempt,
    Job,
    JobContext,
    JobState,
    StoredJob,
    register,
)
from voting_service.staff.jobs.queue import enqueue, load_queue

JOB_KIND = "document_pack"
KEPT_FOR = timedelta(days=1)
"""After it is made; it can be made again."""
SHOWN_PACKS = 10


class DocumentPack(StoredJob, frozen=True, kw_only=True):
    """A requested pack with the documents of `people`."""

    language: Language
    people: int
    size_bytes: int | None

    def as_job(self, selection_title: Text) -> Job:
        """Return what is the same for jobs of every kind."""
        title = load_text("review", "downloads.job", people=self.people, selection=selection_title)
        return Job.of(JOB_KIND, title, self)


class StoredPack(msgspec.Struct, frozen=True):
    """A pack that can be downloaded."""

    id: int
    language: Language
    people: int
    size_bytes: int


async def load_packs(
    connection: AnyConnection, selection: Selection
) -> list[tuple[DocumentPack, JobState]]:
    """Load the newest packs of a selection with their states, newest first."""
    with domain_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await connection.fetch(QUERIES["packs"], selection.id, SHOWN_PACKS)
            queue = await load_queue(connection)
    packs = [msgspec.convert(dict(row), DocumentPack) for row in rows]
    return [(pack, pack.as_job(selection.title).state(queue)) for pack in packs]


async def request_pack(
    actor: SelectionActor, recommendations: Sequence[int], language: Language
) -> int:
    """Request a pack, recorded in the audit log, and return its number. Raises Refused for nobody's
    documents."""
    if not recommendations:
        raise Refused("nomination.review.nobody_in_pack")
    connection = actor.connection
    with domain_errors():
        async with connection.transaction():
            pack_id: int = await connection.fetchval(
                QUERIES["insert_pack"],
                actor.selection.id,
                sorted(recommendations),
                language,
                actor.account.id,
                actor.now,
            )
            await enqueue(connection, JOB_KIND, pack_id)
            await actor.record(
                "exported", f"document pack {pack_id}", state="begun", people=len(recommendations)
            )
    return pack_id


async def export_pack(actor: SelectionActor, pack_id: int) -> StoredPack:
    """Return a pack to be downloaded; that is recorded in the audit log. Raises NotFound, also for
    one that is deleted."""
    with domain_errors():
        async with actor.connection.transaction():
            row = await actor.connection.fetchrow(
                QUERIES["whole_pack"], actor.selection.id, pack_id, actor.now - KEPT_FOR
            )
            if row is None:
                raise NotFound("nomination.review.no_such_pack")
            pack = msgspec.convert(dict(row), StoredPack)
            await actor.record("exported", f"document pack {pack_id}", people=pack.people)
    return pack


async def pack_pieces(
    database: Database, keys: PersonalKeys, pack: StoredPack
) -> AsyncGenerator[bytes, None]:
    """Yield the ZIP, a piece at a time; no connection is held while a piece is on its way."""
    left, place = pack.size_bytes, 0
    while left > 0:
        async with database.connection() as connection:
            encrypted = await connection.fetchval(QUERIES["piece"], pack.id, place)
        if encrypted is None:
            raise NotFound("nomination.review.no_such_pack")
        piece = await asyncio.to_thread(keys.decrypt, piece_label(pack.id, place), encrypted)
        yield piece
        left -= len(piece)
        place += 1


async def delete_old_packs(connection: AnyConnection, now: datetime) -> None:
    """Delete the pieces of packs that were made more than KEPT_FOR ago."""
    with domain_errors():
        async with connection.transaction():
            await connection.execute(QUERIES["delete_old_pieces"], now - KEPT_FOR)
            await connection.execute(QUERIES["forget_old_packs"], now - KEPT_FOR)


def piece_label(pack_id: int, place: int) -> str:
    """Label of an encrypted piece."""
    return f"piece {place} of document pack {pack_id}"


class _Contents(NamedTuple):
    """What a pack is made of: the people, what their files begin with, and their opinions."""

    actor: SelectionActor
    language: Language
    people: Sequence[SubmittedRecommendation]
    opinions: Mapping[int, JointOfficeOpinion]


class DocumentPackJobs:
    """The kind of job that makes a document pack."""

    name = JOB_KIND
    time_limit_seconds = 3600.0
    """A form takes a tenth of a second, its files at most 45 MB to encrypt and store."""

    async def begin(self, context: JobContext, job_id: int) -> Attempt | None:
        async with context.database.connection() as connection:
            row = await connection.fetchrow(QUERIES["begin_pack"], job_id)
        return None if row is None else Attempt(**row)

    async def run(self, context: JobContext, attempt: Attempt) -> None:
        async with context.database.long_connection(60) as connection:
            await connection.execute(QUERIES["delete_pieces"], attempt.job_id)
            contents = await _load_contents(connection, context, attempt.job_id)
            await _Run(context, attempt, contents).make()

    async def fail(self, context: JobContext, attempt: Attempt, failure: Text | None) -> None:
        stated = msgspec.to_builtins(failure or load_text("review", "downloads.failed"))
        async with context.database.long_connection(60) as connection:
            ended = await connection.fetchval(
                QUERIES["finish_pack"],
                attempt.job_id,
                attempt.number,
                None,
                stated,
                context.clock(),
            )
            if ended is not None:
                await connection.execute(QUERIES["delete_pieces"], attempt.job_id)

    async def load_newest(self, connection: AnyConnection, limit: int) -> Sequence[Job]:
        with domain_errors():
            rows = await connection.fetch(QUERIES["packs"], None, limit)
        return [
            msgspec.convert(dict(row), DocumentPack).as_job(
                msgspec.convert(row["selection_title"], Text)
            )
            for row in rows
        ]

    async def reset(self, connection: AnyConnection, job_id: int) -> bool:
        with domain_errors():
            return await connection.fetchval(QUERIES["reset_pack"], job_id) is not None


DOCUMENT_PACK_JOBS = DocumentPackJobs()
register(DOCUMENT_PACK_JOBS)


async def _load_contents(connection: AnyConnection, context: JobContext, pack_id: int) -> _Contents:
    row = dict(await connection.fetchrow(QUERIES["pack_request"], pack_id) or {})
    numbers, language = row.pop("recommendations"), row.pop("language")
    selection = await load_selection(connection, row.pop("selection"))
    requester = Actor(connection, msgspec.convert(row, Account), context.clock())
    actor = SelectionActor(requester, selection, PersonalKeys.of(context.settings))
    people = await load_submitted_recommendations(connection, actor.keys, selection, numbers)
    return _Contents(actor, language, people, await load_joint_office_opinions(actor))


class _Run:
    """One attempt at a pack."""

    def __init__(self, context: JobContext, attempt: Attempt, contents: _Contents) -> None:
        self._attempt = attempt
        self._contents = contents
        self._now = context.clock()
        self._size = 0
        self._place = 0

    async def make(self) -> None:
        """Write the list and everybody's documents, and store them in pieces. Raises Refused
        when a newer attempt has begun."""
        actor, language, people, _ = self._contents
        writer = PackWriter(self._now.astimezone(actor.selection.zone))
        texts = load_catalogue("review", language)
        names = person_names(people, language)
        listed = write_list(
            ListedContext(actor.selection, language),
            people,
            self._now,
            with_contacts=actor.account.role in REVIEWERS,
        )
        writer.add(f"{texts['list']['sheet']}.xlsx", listed)
        for done, submitted in enumerate(people, start=1):
            folder, begin = names[submitted.id]
            async for what, suffix, content in self._documents(submitted):
                name = f"{folder}/{begin}_{texts['downloads']['files'][what]}.{suffix}"
                await asyncio.to_thread(writer.add, name, content)
                await self._store(writer.full_pieces())
            await self._progress(done)
        await self._store(writer.last_pieces())
        await actor.connection.execute(
            QUERIES["finish_pack"],
            self._attempt.job_id,
            self._attempt.number,
            self._size,
            None,
            self._now,
        )

    async def _documents(
        self, submitted: SubmittedRecommendation
    ) -> AsyncGenerator[tuple[str, str, bytes], None]:
        """Yield what each document is, the suffix of its name, and its content: the form first."""
        connection, keys = self._contents.actor.connection, self._contents.actor.keys
        photo = await load_submitted_file(connection, keys, submitted.id, "photo")
        sheet = self._sheet(submitted, photo.content)
        yield "form", "pdf", await in_background(partial(render_recommendation_form, sheet))
        for slot in PACKED_SLOTS:
            file = await load_submitted_file(connection, keys, submitted.id, slot)
            yield slot, SUFFIXES.get(file.media_type, "bin"), file.content

    def _sheet(self, submitted: SubmittedRecommendation, photo: bytes) -> RecommendationSheet:
        selection = self._contents.actor.selection
        return RecommendationSheet(
            rules=selection.rules,
            form=submitted.form,
            body=submitted.body.name.zh,
            photo=photo,
            receipt=SubmissionReceipt(
                number=receipt_number(selection.slug, submitted.id, submitted.turn),
                received_at=submitted.submitted_at,
                sha256=submitted.form_sha256.hex(),
            ),
            joint_office_opinion=self._contents.opinions.get(submitted.id),
        )

    async def _store(self, pieces: Iterator[bytes]) -> None:
        actor, attempt = self._contents.actor, self._attempt
        for piece in pieces:
            label = piece_label(attempt.job_id, self._place)
            encrypted = await asyncio.to_thread(actor.keys.encrypt, label, piece)
            stored = await actor.connection.fetchval(
                QUERIES["insert_piece"], attempt.job_id, attempt.number, self._place, encrypted
            )
            if stored is None:
                raise Refused("nomination.review.newer_attempt")
            self._size += len(piece)
            self._place += 1

    async def _progress(self, done: int) -> None:
        await self._contents.actor.connection.execute(
            QUERIES["pack_progress"], self._attempt.job_id, self._attempt.number, done
        )
