"""What one worker holds while it serves: stores, contests, keys, casters and boards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

import httpx

from voting_service.antifraud.captchas.providers import Captchas, read_captcha_secrets
from voting_service.antifraud.limits import LocalLimits
from voting_service.ballots.admit import Admitter
from voting_service.ballots.casting import Caster, Dependencies
from voting_service.clock import Clock, system_clock
from voting_service.contests.announced_changes import AnnouncedChange, load_changes
from voting_service.contests.model import Contest, Language, Platform
from voting_service.contests.phases import require_published
from voting_service.contests.pictures import Picture, load_all_pictures, load_owners
from voting_service.contests.registry import Registry
from voting_service.cut.publication import Shown, load_shown
from voting_service.errors import NotFound, StoreUnavailable, Unavailable
from voting_service.outside.calls import Outside
from voting_service.public.challenge_desk import ChallengeDesk
from voting_service.public.pages.book import PageBook
from voting_service.public.picture_shelf import PictureShelf
from voting_service.public.profiles import PreparedProfiles
from voting_service.public.senders import SenderReader
from voting_service.settings import Settings
from voting_service.storage.database_clock import ClockWatch
from voting_service.storage.postgres import Pool, PooledConnection, acquire, open_pool
from voting_service.storage.valkey import Valkey
from voting_service.tally import counters
from voting_service.tally.counters import CounterFeed
from voting_service.tally.standings import Board, Prepared, keep_boards_fresh
from voting_service.tasks import end_tasks
from voting_service.voters.keyring import ContestKeys, load_keys
from voting_service.voters.sign_in import SignIn
from voting_service.voters.spent_tokens import SpentTokens

POOL_SIZE = 8
READ_POOL_SIZE = 4
"""Reads and refreshes have connections of their own: they never wait in front of a vote."""
_NO_PLATFORM = 0
"""Stands where sign-in tokens name their platform, so that the two kinds never meet."""


class ContestDesk:
    """Everything about one contest that a request needs, found by one look-up."""

    def __init__(
        self, contest: Contest, keys: ContestKeys, caster: Caster, board: Board, settings: Settings
    ) -> None:
        self.contest = contest
        self.pictures: Mapping[int, tuple[Picture, ...]] = {}
        self.changes: tuple[AnnouncedChange, ...] = ()
        self.keys = keys
        self.caster = caster
        self.board = board
        self.profiles = PreparedProfiles(contest, self.pictures)
        self.albums: dict[Language, tuple[int, datetime, Prepared]] = {}
        """By language the album as it was last read, of which version, and since when."""
        self._public_url = settings.public_url
        self._book: PageBook | None = None
        self.challenges = ChallengeDesk(keys.challenge)
        # Once the voters' key is destroyed nothing about a voter is derived any more.
        self.senders = SenderReader(keys.network, settings) if keys.network else None

    def update(
        self,
        contest: Contest,
        platforms: dict[int, Platform],
        pictures: Mapping[int, tuple[Picture, ...]],
        changes: tuple[AnnouncedChange, ...],
    ) -> None:
        """Takes over a changed contest; the votes that wait go on."""
        now_shown = (contest.revision, pictures, changes)
        if now_shown != (self.contest.revision, self.pictures, self.changes):
            self.pictures, self.changes = pictures, changes
            self.profiles = PreparedProfiles(contest, pictures)
            self._book = None
        self.contest = contest
        self.caster.contest = contest
        self.caster.platforms = platforms
        self.board.contest = contest

    def book(self, now: datetime) -> PageBook:
        """The prepared pages of the contest as it is and of the phase it is in."""
        if self._book is None or self._book.phase != self.contest.phase(now):
            self._book = PageBook(self.contest, now, self._public_url, self.pictures, self.changes)
        return self._book


class Worker:
    """One process's state; `running` opens it and closes it in order."""

    def __init__(
        self,
        settings: Settings,
        *,
        pool: Pool,
        read_pool: Pool,
        valkey: Valkey,
        http: httpx.AsyncClient,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.pool = pool
        self.read_pool = read_pool
        self.valkey = valkey
        self.clock = clock
        self.registry = Registry()
        self.pictures = PictureShelf(read_pool)
        self.platforms: dict[int, Platform] = {}
        self.desks: dict[str, ContestDesk] = {}
        self.origins: frozenset[str] = frozenset()
        self.standings_readers = 0
        self.closing = asyncio.Event()
        self.watch = ClockWatch(clock)
        self.feed = CounterFeed(valkey)
        counters.register_functions(valkey)
        self._needs = Dependencies(pool, Admitter(valkey, LocalLimits()), self.feed, self.watch)
        spent = SpentTokens(valkey)
        self.sign_in = SignIn(http=http, spent=spent, clock=clock, settings=settings)
        self.captchas = Captchas(
            read_captcha_secrets(settings.captcha_secrets_file),
            outside=Outside(http),
            clock=clock,
            spend=partial(spent.spend, _NO_PLATFORM),
            monotonic=time.monotonic,
        )
        self.registry.on_change(self._take_over)

    async def _take_over(self, connection: PooledConnection) -> None:
        """Brings desks in line with the registry."""
        keys = await load_keys(connection, self.settings.master_key.get_secret_value())
        for slug, contest in self.registry.contests.items():
            if contest.id in keys.not_opened:
                self.registry.fail(slug, keys.not_opened[contest.id])
        self.platforms = {p.id: p for p in self.registry.platforms.values() if p.enabled}
        self.origins = frozenset(o for p in self.platforms.values() for o in p.origins)
        for slug, contest in self.registry.contests.items():
            if contest.id not in keys.opened:
                continue
            try:
                await self._serve(connection, contest, keys.opened[contest.id])
            except Exception as error:  # the other contests go on
                self.registry.fail(slug, error)
        self.pictures.update(await load_owners(connection))

    async def _serve(
        self, connection: PooledConnection, contest: Contest, keys: ContestKeys
    ) -> None:
        """Opens the contest's desk, or brings it up to date. A desk that cannot be brought up to
        date stays as it was."""
        pictures = await load_all_pictures(connection, contest.id)
        changes = await load_changes(connection, contest.id)
        gate = self.captchas.gate(contest.rules.screening)
        desk = self.desks.get(contest.slug)
        if desk is None or desk.keys != keys:
            desk = self._open_desk(contest, keys, desk)
        desk.update(contest, self.platforms, pictures, changes)
        desk.challenges.gate = gate
        self.desks[contest.slug] = desk

    def _open_desk(
        self, contest: Contest, keys: ContestKeys, previous: ContestDesk | None
    ) -> ContestDesk:
        if previous is not None:
            return ContestDesk(contest, keys, previous.caster, previous.board, self.settings)
        caster = Caster(contest, keys.receipt, self._needs, self.settings.queue_limit)
        board = Board(contest, self.read_pool, self.valkey, self.clock)
        return ContestDesk(contest, keys, caster, board, self.settings)

    def contests(self) -> list[Contest]:
        """Every contest that may be seen: those with a desk. Raises StoreUnavailable before they
        were ever read."""
        if not self.registry.loaded:
            raise StoreUnavailable("the service is starting")
        return [desk.contest for desk in self.desks.values()]

    def desk(self, slug: str) -> ContestDesk:
        """Raises NotFound, StoreUnavailable before the contests were ever read, or Unavailable
        for a contest that could not be opened."""
        desk = self.desks.get(slug)
        if desk is None:
            if not self.registry.loaded:
                raise StoreUnavailable("the service is starting")
            if slug in self.registry.failing:
                raise Unavailable("this contest cannot be opened at the moment", 30)
            raise NotFound("there is no contest of this name")
        return desk

    def published_desk(self, slug: str) -> ContestDesk:
        """The desk for what is under embargo. Raises NotPublished before its moment."""
        desk = self.desk(slug)
        require_published(desk.contest, self.clock())
        return desk

    @property
    def ready(self) -> bool:
        """Contests are read and their standings prepared; a failing contest keeps no other
        waiting."""
        return self.registry.loaded and all(
            desk.board.ready or desk.board.is_failing for desk in self.desks.values()
        )

    @property
    def failing_contests(self) -> tuple[str, ...]:
        """The slugs of contests that could not be opened or whose standings fail."""
        boards = {slug for slug, desk in self.desks.items() if desk.board.is_failing}
        return tuple(sorted(boards | self.registry.failing.keys()))

    async def publication(self, contest: Contest, version: int | None = None) -> Shown | None:
        """What the public sees of the cut this moment, by this worker's clock; None until there
        is something. Raises NotFound for a version that is not shown."""
        async with acquire(self.read_pool) as connection:
            return await load_shown(connection, contest.id, self.clock(), version)

    async def drain(self) -> None:
        """Answers every vote in flight and sends the last deltas."""
        await asyncio.gather(*(desk.caster.close() for desk in self.desks.values()))
        await self.feed.flush()


@asynccontextmanager
async def running(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Worker]:
    """A worker with its background tasks; leaving answers what is in flight first."""
    valkey = Valkey(settings.valkey_url)
    async with (
        open_pool(settings.database_url, size=POOL_SIZE) as pool,
        open_pool(settings.database_url, size=READ_POOL_SIZE) as read_pool,
        httpx.AsyncClient(timeout=5, follow_redirects=False) as http,
    ):
        worker = Worker(
            settings, pool=pool, read_pool=read_pool, valkey=valkey, http=http, clock=clock
        )
        boards = lambda: [desk.board for desk in worker.desks.values()]  # noqa: E731
        tasks = [
            asyncio.create_task(worker.registry.keep_fresh(read_pool, pool), name="registry"),
            asyncio.create_task(worker.watch.keep_measured(read_pool), name="clock"),
            asyncio.create_task(keep_boards_fresh(boards), name="boards"),
            asyncio.create_task(worker.feed.run(), name="counter feed"),
        ]
        try:
            yield worker
        finally:
            worker.closing.set()
            await worker.drain()
            await end_tasks(tasks)
            await valkey.close()
