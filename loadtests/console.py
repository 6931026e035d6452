"""The speed of the console with millions of ballots: `python -m loadtests.console`.

Starts stores of its own with full durability and the real `console` process, fills three weeks of
ballots on five platforms, voids a campaign of a hundred thousand with two people, and then requests
the pages like a browser. Prints medians and saves them in results/console.md.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import click
import httpx
import psutil
from playwright.async_api import async_playwright

from loadtests.report import Section, machine_line, save
from loadtests.stand import Stand
from tests.browser.find_browsers import chromium_path
from voting_service.contests.model import Contest
from voting_service.contests.repository import (
    NewContest,
    NewPlatform,
    insert_contest,
    insert_platform,
    load_contest,
)
from voting_service.demo import contest as demo
from voting_service.demo.embedded_postgres import APPLICATION
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.sites.console.single_flight import MOST_SECONDS
from voting_service.staff.accounts.model import Account
from voting_service.staff.accounts.repository import NewAccount, create_account
from voting_service.staff.accounts.sessions import open_session
from voting_service.staff.accounts.sign_in import know_password
from voting_service.staff.actor import Actor
from voting_service.voting.rulings.model import HoldEvidence
from voting_service.voting.rulings.repository import NewHold, create_hold
from voting_service.voting.rulings.service import RulingProposal, approve_rulings, propose_rulings
from voting_service.voting.tally.repository import advance_floor
from voting_service.voting.voters.keyring import create_keys

QUERIES = Queries("loadtests", "console_fill.sql")
SLUG = "console"
PASSWORD = "correct horse battery"
BASE = f"/contests/{SLUG}"
NETWORK_BYTES = 8
CAMPAIGN = 100_000
FILL_SECONDS = 1800
CACHE_SECONDS = MOST_SECONDS + 0.1
"""Pause between two requests, so that the console's shared cache has expired."""
CHARTS = 4


async def fill(stand: Stand, ballots: int) -> tuple[Contest, datetime]:
    """Create the contest with its ballots. Return it and the time of its newest ballot."""
    ends = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    async with stand.database() as owner:
        async with owner.transaction():
            contest_id = await insert_contest(
                owner,
                NewContest(
                    slug=SLUG,
                    rules=demo.RULES,
                    opens_at=ends - timedelta(days=21),
                    closes_at=ends + timedelta(days=10),
                    candidates=demo.candidates(),
                ),
            )
            await create_keys(owner, stand.master_key, contest_id)
        first = stand.platform_id
        for number in range(1, 5):
            platform_id = await insert_platform(
                owner,
                NewPlatform(
                    slug=f"platform-{number}",
                    name=Text("平台", "Platform"),
                    kind="jwt",
                    config={"keys": []},
                ),
            )
            assert platform_id == first + number
        await owner.execute(
            QUERIES["ballots"],
            contest_id,
            first,
            ballots,
            ends,
            NETWORK_BYTES,
            timeout=FILL_SECONDS,
        )
        await owner.execute(f"vacuum (analyze) ballots_{contest_id}", timeout=FILL_SECONDS)
        await advance_floor(owner, contest_id)
        await owner.execute("analyze", timeout=FILL_SECONDS)
        return await load_contest(owner, SLUG), ends


async def void_campaign(
    stand: Stand, connection: Connection, contest: Contest, people: list[Account]
) -> None:
    """Void a hundred thousand held ballots, with two people."""
    rows = await connection.fetch(QUERIES["campaign"], contest.id, CAMPAIGN)
    now = datetime.now(UTC)
    hold = await create_hold(
        connection,
        contest,
        NewHold(
            [row["ballot_id"] for row in rows],
            kind="campaign",
            source="loadtest",
            label="campaign",
            evidence=HoldEvidence(sentence=Text("测试", "test")),
        ),
        actor="loadtest",
        now=now,
    )
    decisions = await propose_rulings(
        Actor(connection, people[0], now),
        contest,
        [hold],
        RulingProposal(verdict="void", reason="automated_voting", words="loadtest"),
    )
    await approve_rulings(Actor(connection, people[1], now), contest, decisions)


def addresses(ends: datetime) -> dict[str, str]:
    """Return the measured URLs by description."""
    local = (ends + timedelta(hours=8)).strftime
    hour = ends.replace(minute=0, second=0) - timedelta(hours=1)
    day = ends - timedelta(hours=24)
    stretch = f"from={day:%Y-%m-%dT%H:%M:%SZ}&to={ends:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "the tally's page": BASE,
        "its figures, requested every two seconds": f"{BASE}/tally.json",
        "chart: minutes of three hours": f"{BASE}/charts/minutes.json",
        "chart: hours of three weeks": f"{BASE}/charts/hours.json",
        "the tally as of yesterday": f"{BASE}?at={local('%Y-%m-')}{ends.day:02}T00:30:00",
        "a candidate": f"{BASE}/candidates/7",
        "two candidates compared": f"{BASE}/compare?a=7&b=8",
        "an hour, down to its ballots": f"{BASE}/hours/{hour:%Y-%m-%dT%HZ}",
        "24 hours, down to their ballots": f"{BASE}/window?{stretch}",
        "void ballots of 24 hours": f"{BASE}/window?{stretch}&state=void",
    }


async def timings(work: Callable[[], Awaitable[None]], rounds: int) -> list[float]:
    """Return the milliseconds of each round, without the console's shared cache."""
    taken = []
    for _ in range(rounds):
        await asyncio.sleep(CACHE_SECONDS)
        begins_at = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - begins_at) * 1000)
    return taken


def row(what: str, taken: list[float]) -> list[str]:
    return [what, *(f"{value:,.0f}" for value in (median(taken), min(taken), max(taken)))]


async def measure_pages(stand: Stand, token: str, ends: datetime, rounds: int) -> Section:
    section = Section("Pages", ["answer", "median ms", "min", "max"])
    async with httpx.AsyncClient(
        base_url=stand.address("console"),
        cookies={"staff": token},
        headers={"accept": "text/html"},
        timeout=60,
    ) as client:
        for what, path in addresses(ends).items():

            async def ask(path: str = path) -> None:
                answer = await client.get(path)
                if answer.status_code != 200:
                    raise RuntimeError(f"{path} was answered {answer.status_code}")

            taken = await timings(ask, rounds)
            section.rows.append(row(what, taken))
            section.figures[what] = taken
            click.echo("  ".join(section.rows[-1]))
    section.notes = [
        f"{rounds} times each, {CACHE_SECONDS} s apart, so that nothing comes from "
        "shared cache entries. Client and stores on the same machine."
    ]
    return section


async def measure_opening(stand: Stand, token: str, rounds: int) -> Section:
    """Measure from the click until the page and its four charts are drawn, in Chromium."""
    section = Section("Opening in a browser", ["page", "median ms", "min", "max"])
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"]
        )
        context = await browser.new_context(viewport={"width": 1280, "height": 800})
        await context.add_cookies(
            [{"name": "staff", "value": token, "url": stand.address("console")}]
        )
        page = await context.new_page()

        async def open_page() -> None:
            await page.goto(stand.address("console") + BASE)
            await page.locator("figure[data-drawn]").nth(CHARTS - 1).wait_for()

        await open_page()  # the browser keeps the scripts
        taken = await timings(open_page, rounds)
        section.rows.append(row("all four charts drawn", taken))
        section.figures["drawn"] = taken
        await browser.close()
    click.echo(section.markdown())
    return section


async def measure_export(stand: Stand, token: str, ballots: int) -> Section:
    """Measure the exports of the recounted tally and of all ballots: time and peak memory."""
    section = Section(
        "Exports", ["file", "seconds", "ballots a second", "MiB", "peak MiB of console"]
    )
    process = psutil.Process(stand.processes["console"].pid)
    async with httpx.AsyncClient(
        base_url=stand.address("console"), cookies={"staff": token}, timeout=600
    ) as client:
        for name, kind in (("tally", "csv"), ("ballots", "csv")):
            begins_at, size, peak = time.perf_counter(), 0, 0
            async with client.stream("GET", f"{BASE}/exports/{name}?format={kind}") as answer:
                answer.raise_for_status()
                async for piece in answer.aiter_raw():
                    size += len(piece)
                    peak = max(peak, process.memory_info().rss)
            took = time.perf_counter() - begins_at
            section.figures[name] = {"seconds": took, "bytes": size, "peak_bytes": peak}
            mebi = [f"{value / 2**20:,.0f}" for value in (size, peak)]
            section.rows.append([f"{name}.{kind}", f"{took:,.1f}", f"{ballots / took:,.0f}", *mebi])
    click.echo(section.markdown())
    return section


async def run(ballots: int, rounds: int, *, export: bool) -> list[Section]:
    with tempfile.TemporaryDirectory(prefix="console-", ignore_cleanup_errors=True) as folder:
        stand = Stand(Path(folder), workers=1)
        try:
            await stand.open_stores()
            begins_at = time.monotonic()
            contest, ends = await fill(stand, ballots)
            click.echo(f"filled {ballots:,} ballots in {time.monotonic() - begins_at:.0f} s")
            async with stand.database(APPLICATION) as connection:
                people = [
                    (
                        await create_account(
                            connection,
                            stand.master_key,
                            NewAccount(name, "supervisor", PASSWORD),
                        )
                    )[0]
                    for name in ("first", "second")
                ]
                await void_campaign(stand, connection, contest, people)
                await stand.start_console()
                now = datetime.now(UTC)
                person = await know_password(connection, people[0], PASSWORD)
                token = await open_session(connection, person, "127.0.0.0/24", now)
                sections = [
                    await measure_pages(stand, token, ends, rounds),
                    await measure_opening(stand, token, rounds),
                ]
                if export:
                    now = datetime.now(UTC)
                    token = await open_session(connection, person, "127.0.0.0/24", now)
                    sections.append(await measure_export(stand, token, ballots))
            return sections
        finally:
            await stand.stop_all()


@click.command()
@click.option("--ballots", type=click.IntRange(min=1_000), default=5_000_000, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=9, show_default=True)
@click.option("--export/--no-export", default=True, show_default=True)
@click.option("--keep/--print", default=True, help="Save the tables in results/, or print only.")
def console(ballots: int, rounds: int, *, export: bool, keep: bool) -> None:
    """Measure the console with millions of ballots."""
    click.echo(machine_line() + "\n")
    sections = asyncio.run(run(ballots, rounds, export=export))
    preface = [
        f"{ballots:,} ballots of three weeks on five platforms, of which {CAMPAIGN:,} held ones "
        "were voided by one ruling.",
        f"Load average at the end: {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores.",
    ]
    if keep:
        save("console", "The console with millions of ballots", preface, sections)


if __name__ == "__main__":
    console()
