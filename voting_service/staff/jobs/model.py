"""Background jobs, their kinds, and when one is tried again. No I/O.

A kind is declared by the package that does the work, with `register`. Nothing here lists the kinds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol

import msgspec

from voting_service.i18n.text import Text
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.postgres.database import Database
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.settings import Settings

QueueStatus = Literal["waiting", "running"]
JobState = Literal["waiting", "running", "interrupted", "finished", "failed"]

MAX_ATTEMPTS = 4
FIRST_RETRY_DELAY = timedelta(seconds=10)
MAX_RETRY_DELAY = timedelta(minutes=10)


def retry_delay(attempt: int) -> timedelta:
    """Return how long after the failure of an attempt, counted from 1, the next one begins."""
    seconds = FIRST_RETRY_DELAY.total_seconds() * 4.0 ** min(attempt - 1, MAX_ATTEMPTS)
    return min(timedelta(seconds=seconds), MAX_RETRY_DELAY)


def job_key(kind: str, job_id: int) -> str:
    """Return the name of a job in the queue, where each is at most once."""
    return f"{kind}:{job_id}"


class StoredJob(msgspec.Struct, frozen=True):
    """What every kind stores of a job; `requested_by` is an account's name."""

    id: int
    requested_by: str
    requested_at: datetime
    steps: int
    steps_done: int
    attempts: int
    finished_at: datetime | None
    failure: Text | None


class Job(StoredJob, frozen=True, kw_only=True):
    """A job of any kind; `title` is what it makes."""

    kind: str
    title: Text

    @classmethod
    def of(cls, kind: str, title: Text, stored: StoredJob) -> Job:
        """Return a stored job with its kind and its title."""
        same = {name: getattr(stored, name) for name in StoredJob.__struct_fields__}
        return cls(kind=kind, title=title, **same)

    def state(self, queue: Mapping[str, QueueStatus]) -> JobState:
        """Return the state, given the queue; one that is neither finished nor in the queue, as
        after a restore from an archive, is interrupted."""
        if self.finished_at is not None:
            return "finished" if self.failure is None else "failed"
        return queue.get(job_key(self.kind, self.id), "interrupted")


class JobContext(NamedTuple):
    """What a job needs from the process it runs in."""

    database: Database
    settings: Settings
    clock: Clock


class Attempt(NamedTuple):
    """An attempt at a job. It may store something as long as its `number` is the newest of the job.

    `since_request` counts from 1 as well, and starts again when somebody tries the job again.
    """

    job_id: int
    number: int
    since_request: int


class JobKind(Protocol):
    """A kind of job. Its package stores the jobs, in a table of their own."""

    @property
    def name(self) -> str: ...

    @property
    def time_limit_seconds(self) -> float:
        """How long one attempt may take."""

    async def begin(self, context: JobContext, job_id: int) -> Attempt | None:
        """Count and return a new attempt; None if the job has finished or does not exist."""

    async def run(self, context: JobContext, attempt: Attempt) -> None:
        """Do the work and store its result. A VotingError other than Unavailable is final; after
        any other exception the job is tried again."""

    async def fail(self, context: JobContext, attempt: Attempt, failure: Text | None) -> None:
        """Store that the job failed, and why; None for a bug, which the log describes."""

    async def load_newest(self, connection: AnyConnection, limit: int) -> Sequence[Job]:
        """Load the newest jobs, newest first."""

    async def reset(self, connection: AnyConnection, job_id: int) -> bool:
        """Request a failed or unfinished job again; False for any other."""


_KINDS: dict[str, JobKind] = {}


_MAX_ATTEMPTS: dict[str, int] = {}


def register(kind: JobKind, *, max_attempts: int = MAX_ATTEMPTS) -> None:
    """Make a kind known by its name, once; a job of it is attempted so many times in all."""
    if _KINDS.setdefault(kind.name, kind) is not kind:
        raise RuntimeError(f"the job kind {kind.name} is registered twice")
    _MAX_ATTEMPTS[kind.name] = max_attempts


def max_attempts(kind_name: str) -> int:
    """Return how many times a job of a kind is attempted."""
    return _MAX_ATTEMPTS.get(kind_name, MAX_ATTEMPTS)


def job_kinds() -> tuple[JobKind, ...]:
    """Return the registered kinds: those whose packages this process imported."""
    return tuple(_KINDS.values())


def find_job_kind(name: str) -> JobKind | None:
    """Return a registered kind, or None."""
    return _KINDS.get(name)
