"""The queue of background jobs: pgqueuer, in the Postgres schema `jobs`.

Only the names of its tables are fixed here; jobs/queue_worker.py works off the queue.
"""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.errors import DuplicateJobError
from pgqueuer.domain.settings import DBSettings
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from voting_service.errors import Unavailable
from voting_service.infrastructure.postgres import named_queries
from voting_service.infrastructure.postgres.pool import AnyConnection, Connection, domain_errors
from voting_service.staff.jobs.model import QueueStatus, job_key

QUERIES = named_queries.Queries(__package__)
END_OF_RUN_SECONDS = 2
"""A job's entry leaves the queue this soon after the job has ended."""


class QueueNames(DBSettings):
    """The names of the queue's tables; unlike the library, none is read from the environment."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


NAMES = QueueNames(db_schema="jobs")


def open_queue(connection: AnyConnection) -> Queries:
    """Return the queue as seen through `connection`."""
    return Queries(
        AsyncpgDriver(cast("Connection", connection)),
        QueryBuilderEnvironment(NAMES),
        QueryQueueBuilder(NAMES),
        QuerySchedulerBuilder(NAMES),
    )


async def enqueue(
    connection: AnyConnection, kind: str, job_id: int, *, wait: timedelta | None = None
) -> None:
    """Put a job into the queue, in the transaction of the request: both commit or neither. It
    begins after `wait`.

    Raises Unavailable while the entry of an earlier run of the job is still in the queue.
    """
    assert connection.is_in_transaction(), "a job is enqueued with what it is about"
    with domain_errors():
        try:
            await open_queue(connection).enqueue(
                kind,
                str(job_id).encode(),
                execute_after=wait,
                dedupe_key=job_key(kind, job_id),
            )
        except DuplicateJobError as error:
            raise Unavailable(
                "staff.jobs.still_queued", retry_after_seconds=END_OF_RUN_SECONDS
            ) from error


async def load_queue(connection: AnyConnection) -> dict[str, QueueStatus]:
    """Load the jobs in the queue by `job_key`, each waiting or running."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["queue"])
    return {row["dedupe_key"]: row["status"] for row in rows}
