"""The state of one worker process: connections, contests, keys, ballot pipelines and caches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import NamedTuple

import httpx

from voting_service.antifraud.captchas.registry import CaptchaRegistry, read_captcha_secrets
from voting_service.antifraud.captchas.verifier import VerifierOptions
from voting_service.antifraud.challenges.service import ChallengeService
from voting_service.antifraud.screening.rate_limits import LocalLimits
from voting_service.contests.cache import ContestCache
from voting_service.contests.model import Contest, Platform
from voting_service.contests.phases import require_published
from voting_service.contests.pictures.model import Picture
from voting_service.contests.pictures.repository import load_all_pictures, load_owners
from voting_service.contests.settings.repository import AnnouncedChange, load_changes
from voting_service.errors import (
    NotFound,
    StoreUnavailable,
    Unavailable,
)
from voting_service.i18n.text import Language
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.descriptors import max_connections
from voting_service.infrastructure.http_clients.client import BoundedClient, open_http_client
from voting_service.infrastructure.postgres.connection_budget import (
    CONTROL_CONNECTIONS,
    READ_CONNECTIONS,
    VOTE_CONNECTIONS,
)
from voting_service.infrastructure.postgres.database_clock import MAX_OFFSET_SECONDS, ClockWatch
from voting_service.infrastructure.postgres.pool import (
    Pool,
    PooledConnection,
    acquire,
    open_pool,
)
from voting_service.infrastructure.postgres.roles import url_with_role
from voting_service.infrastructure.postgres.standby import StandbyWatch
from voting_service.infrastructure.prepared_response import Prepared
from voting_service.infrastructure.tasks import end_tasks
from voting_service.infrastructure.timeouts import CACHE_STALE_SECONDS, VALKEY_CALL_TIMEOUT_SECONDS
from voting_service.infrastructure.valkey import Valkey
from voting_service.settings import Settings
from voting_service.sites.public.caches.filtered_pages import RenderQueue
from voting_service.sites.public.caches.images import ImageCache
from voting_service.sites.public.caches.pages import PageCache
from voting_service.sites.public.caches.profiles import PreparedProfiles
from voting_service.sites.public.caches.share_pictures import SharePictures
from voting_service.sites.public.caches.shown_pages import ShownPages
from voting_service.sites.public.event_streams import STREAMS_SHARE, EventStreams
from voting_service.sites.public.read_queue import ReadQueue
from voting_service.sites.public.rendering import show_filings, show_wechat_card
from voting_service.sites.public.request_signals import SenderReader
from voting_service.sites.public.store_probe import PostgresProbe
from voting_service.sites.shared.prepared_pages import PreparedPage
from voting_service.sites.shared.problem_documents import Headers
from voting_service.sites.shared.security_headers import SECURITY_HEADERS, content_security_policy
from voting_service.voting.ballots.admit import Admitter
from voting_service.voting.ballots.pipeline import BallotPipeline, Dependencies
from voting_service.voting.cut.publication import ShownCut, load_shown_cut
from voting_service.voting.tally import counters
from voting_service.voting.tally.counters import CounterFeed
from voting_service.voting.tally.standings import StandingsCache, refresh_standings_forever
from voting_service.voting.voters.keyring import ContestKeys, load_keys
from voting_service.voting.voters.service import SignIn
from voting_service.voting.voters.used_tokens import UsedTokens

WECHAT_SDK = "https://res.wx.qq.com/open/js/jweixin-1.6.0.js"
_NO_PLATFORM = 0
"""Platform id under which used captcha tokens are stored; no sign-in platform has it."""


class ContestState:
    """Everything a request needs to know about one contest."""

    def __init__(
        self,
        contest: Contest,
        keys: ContestKeys,
        pipeline: BallotPipeline,
        standings_cache: StandingsCache,
        settings: Settings,
    ) -> None:
        self.contest = contest
        self.pictures: Mapping[int, tuple[Picture, ...]] = {}
        self.changes: tuple[AnnouncedChange, ...] = ()
        self.keys = keys
        self.pipeline = pipeline
        self.standings_cache = standings_cache
        self.profiles = PreparedProfiles(contest, self.pictures)
        self.albums: dict[Language, tuple[int, datetime, Prepared]] = {}
        """The album as last read, by language, with its version and its creation time."""
        self._public_url = settings.public_url
        self._page_cache: PageCache | None = None
        self.challenges = ChallengeService(keys.challenge)
        # Without the network key (destroyed with the voters' key) no vote is accepted.
        self.senders = SenderReader(keys.network, settings) if keys.network else None

    def update(
        self,
        contest: Contest,
        platforms: dict[int, Platform],
        pictures: Mapping[int, tuple[Picture, ...]],
        changes: tuple[AnnouncedChange, ...],
    ) -> None:
        """Apply a changed contest. Queued votes are not affected."""
        current = (contest.revision, pictures, changes)
        if current != (self.contest.revision, self.pictures, self.changes):
            self.pictures, self.changes = pictures, changes
            self.profiles = PreparedProfiles(contest, pictures)
            self._page_cache = None
        self.contest = contest
        self.pipeline.contest = contest
        self.pipeline.platforms = platforms
        self.standings_cache.contest = contest

    def page_cache(self, now: datetime) -> PageCache:
        """Return the prepared pages of the contest in its current phase."""
        if self._page_cache is None or not self._page_cache.is_current(now):
            self._page_cache = PageCache(
                self.contest, now, self._public_url, self.pictures, self.changes
            )
        return self._page_cache


def page_headers(has_wechat_card: bool) -> Headers:
    """Return content type and security headers; with WeChat's card its SDK may be loaded."""
    policy = content_security_policy({"script-src": [WECHAT_SDK]} if has_wechat_card else {})
    headers = {**SECURITY_HEADERS, "content-security-policy": policy}
    return [
        (b"content-type", b"text/html; charset=utf-8"),
        *((name.encode(), value.encode()) for name, value in headers.items()),
    ]


class Connections(NamedTuple):
    """The connections of one process to Postgres (see above), Valkey and other services."""

    pool: Pool
    read_pool: Pool
    control_pool: Pool
    valkey: Valkey
    http: httpx.AsyncClient


class PublicState:
    """One process's state; `running` opens it and closes it in order."""

    def __init__(
        self,
        settings: Settings,
        connections: Connections,
        clock_watch: ClockWatch,
    ) -> None:
        pool, read_pool, control_pool, valkey, http = connections
        clock = clock_watch.clock
        self.settings = settings
        self.pool = pool
        self.read_pool = read_pool
        self.control_pool = control_pool
        self.valkey = valkey
        self.clock = clock
        self.registry = ContestCache()
        self.pictures = ImageCache(read_pool)
        self.share_pictures = SharePictures(self.pictures)
        self.render_queue = RenderQueue()
        self.platforms: dict[int, Platform] = {}
        self.contest_states: dict[str, ContestState] = {}
        self.origins: frozenset[str] = frozenset()
        self.shown_notices = ShownPages()
        self.index_pages: dict[Language, tuple[object, PreparedPage]] = {}
        """The index of contests by language, with what it shows of which contest in which phase."""
        self.articles: dict[tuple[str, Language], PreparedPage] = {}
        """The texts that belong to no contest, by name and language."""
        self.page_headers = page_headers(settings.wechat_share_app_id is not None)
        """Of pages that are the same for everybody."""
        self.reads = ReadQueue()
        self.postgres_probe = PostgresProbe(control_pool)
        self.streams = EventStreams(int(max_connections() * STREAMS_SHARE), settings)
        self.closing = asyncio.Event()
        self.clock_watch = clock_watch
        self.standby_watch = StandbyWatch()
        self.counter_feed = CounterFeed(valkey)
        counters.register_functions(valkey)
        self._dependencies = Dependencies(
            pool,
            Admitter(valkey, LocalLimits()),
            self.counter_feed,
            self.clock_watch,
            self.standby_watch,
        )
        used_tokens = UsedTokens(valkey)
        self.sign_in = SignIn(http=http, used_tokens=used_tokens, clock=clock, settings=settings)
        self.captchas = CaptchaRegistry(
            read_captcha_secrets(settings.captcha_secrets_file),
            BoundedClient(http),
            clock,
            VerifierOptions(partial(used_tokens.mark_used, _NO_PLATFORM), time.monotonic),
        )
        self.registry.on_change(self._apply_contests)

    async def _apply_contests(self, connection: PooledConnection) -> None:
        """Update the contest states from the registry."""
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
                await self._update_contest(connection, contest, keys.opened[contest.id])
            except Exception as error:  # the other contests go on
                self.registry.fail(slug, error)
        self.pictures.update(await load_owners(connection))

    async def _update_contest(
        self, connection: PooledConnection, contest: Contest, keys: ContestKeys
    ) -> None:
        """Open or update the state of a contest. If the update fails, the old state stays."""
        pictures = await load_all_pictures(connection, contest.id)
        changes = await load_changes(connection, contest.id)
        verifier = self.captchas.verifier(contest.rules.screening)
        contest_state = self.contest_states.get(contest.slug)
        if contest_state is None or contest_state.keys != keys:
            contest_state = self._open_contest(contest, keys, contest_state)
        contest_state.update(contest, self.platforms, pictures, changes)
        contest_state.challenges.captcha_verifier = verifier
        self.contest_states[contest.slug] = contest_state

    def _open_contest(
        self, contest: Contest, keys: ContestKeys, previous: ContestState | None
    ) -> ContestState:
        if previous is not None:
            return ContestState(
                contest, keys, previous.pipeline, previous.standings_cache, self.settings
            )
        pipeline = BallotPipeline(
            contest, keys.receipt, self._dependencies, self.settings.queue_limit
        )
        standings_cache = StandingsCache(contest, self.read_pool, self.valkey, self.clock)
        return ContestState(contest, keys, pipeline, standings_cache, self.settings)

    def standings_caches(self) -> list[StandingsCache]:
        """The standings cache of every contest."""
        return [contest.standings_cache for contest in self.contest_states.values()]

    def contests(self) -> list[Contest]:
        """Return all visible contests. Raises StoreUnavailable before the first load."""
        if not self.registry.loaded:
            raise StoreUnavailable("sites.public.service_starting")
        return [contest_state.contest for contest_state in self.contest_states.values()]

    def contest_state(self, slug: str) -> ContestState:
        """Return the state of a contest. Raises NotFound, StoreUnavailable before the first load,
        or Unavailable for a contest that could not be opened."""
        contest_state = self.contest_states.get(slug)
        if contest_state is None:
            if not self.registry.loaded:
                raise StoreUnavailable("sites.public.service_starting")
            if slug in self.registry.failing:
                raise Unavailable("sites.public.contest_unavailable", retry_after_seconds=30)
            raise NotFound("sites.public.no_such_contest")
        return contest_state

    def published_contest_state(self, slug: str) -> ContestState:
        """Return the state of a published contest. Raises NotPublished during the embargo."""
        contest_state = self.contest_state(slug)
        require_published(contest_state.contest, self.clock())
        return contest_state

    def require_accepting(self) -> datetime:
        """Return the time. Raises Unavailable while this worker may neither sign a voter in nor
        take a vote: its clock is wrong, or what it knows of contests and platforms is out of
        date."""
        now = self.clock_watch.require()
        self.registry.require_current()
        return now

    @property
    def ready(self) -> bool:
        """Whether contests are loaded and their standings prepared, except of failing contests."""
        return self.registry.loaded and all(
            contest_state.standings_cache.ready or contest_state.standings_cache.is_failing
            for contest_state in self.contest_states.values()
        )

    @property
    def failing_contests(self) -> tuple[str, ...]:
        """The slugs of contests that could not be opened or whose standings cannot be read."""
        standings_caches = {
            slug
            for slug, contest_state in self.contest_states.items()
            if contest_state.standings_cache.is_failing
        }
        return tuple(sorted(standings_caches | self.registry.failing.keys()))

    async def publication(self, contest: Contest, version: int | None = None) -> ShownCut | None:
        """Load the cut as published at this worker's time, or None. Raises NotFound for a version
        that is not published."""
        async with acquire(self.read_pool) as connection:
            return await load_shown_cut(connection, contest.id, self.clock(), version)

    async def drain(self) -> None:
        """Resolve every queued vote and send the last counter changes."""
        await asyncio.gather(
            *(contest_state.pipeline.close() for contest_state in self.contest_states.values())
        )
        await self.counter_feed.flush()


class WorkerLimits(NamedTuple):
    """How far a worker's clock may be off, how long it waits for Valkey, and how old its contests
    and platforms may be, in seconds.

    Tests that move the clock, or run on a busy machine, set them wider.
    """

    clock_offset_seconds: float = MAX_OFFSET_SECONDS
    valkey_call_seconds: float = VALKEY_CALL_TIMEOUT_SECONDS
    cache_age_seconds: float = CACHE_STALE_SECONDS


PRODUCTION_LIMITS = WorkerLimits()


@asynccontextmanager
async def open_public_state(
    settings: Settings, clock: Clock, limits: WorkerLimits
) -> AsyncIterator[PublicState]:
    """Open a worker's state with its background tasks. On exit every queued vote is resolved."""
    url = url_with_role(settings.database_url, "voting_public")
    show_filings(settings)
    show_wechat_card(settings)
    valkey = Valkey(settings.valkey_url, call_timeout_seconds=limits.valkey_call_seconds)
    clock_watch = ClockWatch(clock, limit_seconds=limits.clock_offset_seconds)
    async with (
        open_pool(url, size=VOTE_CONNECTIONS) as pool,
        open_pool(url, size=READ_CONNECTIONS) as read_pool,
        open_pool(url, size=CONTROL_CONNECTIONS) as control_pool,
        open_http_client() as http,
    ):
        connections = Connections(pool, read_pool, control_pool, valkey, http)
        state = PublicState(settings, connections, clock_watch)
        state.registry.max_age_seconds = limits.cache_age_seconds
        tasks = [
            asyncio.create_task(
                state.registry.keep_fresh(control_pool, pool, read_pool), name="registry"
            ),
            asyncio.create_task(state.clock_watch.keep_measured(control_pool), name="clock"),
            asyncio.create_task(state.standby_watch.keep_looking(control_pool), name="standby"),
            asyncio.create_task(refresh_standings_forever(state.standings_caches), name="boards"),
            asyncio.create_task(state.counter_feed.run(), name="counter feed"),
            asyncio.create_task(state.streams.run(state.closing), name="event streams"),
        ]
        try:
            yield state
        finally:
            state.closing.set()
            await state.drain()
            await end_tasks(tasks)
            await valkey.close()
