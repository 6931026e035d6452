"""The cost of a vote with ten thousand, a million and five million stored ballots."""

from __future__ import annotations

import time

from loadtests.bench_votes import raw_figures, stored
from loadtests.measure import Measured, Spread, ballot_requests, measure
from loadtests.plan import Plan
from loadtests.report import Section
from loadtests.stand import Stand
from voting_service.demo.embedded_postgres import SUPERUSER
from voting_service.infrastructure.postgres.named_queries import Queries

QUERIES = Queries("loadtests", "prefill.sql")


def contest_slug(ballots: int) -> str:
    return f"stored-{ballots}"


async def prefill(stand: Stand, ballots: int) -> float:
    """Create a contest with that many ballots of today. Return it and the seconds it took."""
    contest_id = await stand.add_contest(contest_slug(ballots))
    begins_at = time.monotonic()
    async with stand.database() as connection:
        await connection.execute(
            QUERIES["prefill"], contest_id, stand.platform_id, ballots, timeout=1800
        )
        await connection.execute(f"vacuum (analyze) ballots_{contest_id}", timeout=1800)
    return time.monotonic() - begins_at


async def cost_by_stored_ballots(stand: Stand, plan: Plan) -> Section:
    """Measure a contest per size; rounds alternate between sizes, so that all drift alike."""
    section = Section(
        "Cost of a vote by ballots already stored",
        ["ballots stored before", "worker CPU, µs", "ratio", "CPU of everything, µs", "ratio"],
    )
    took = {ballots: await prefill(stand, ballots) for ballots in plan.stored_ballots}
    async with stand.database(SUPERUSER) as administrator:
        await administrator.execute("checkpoint", timeout=600)
    requests = {
        ballots: ballot_requests(await stand.minting(contest_slug(ballots)), contest_slug(ballots))
        for ballots in plan.stored_ballots
    }
    rounds: list[dict[int, Measured]] = []
    confirmed = dict.fromkeys(plan.stored_ballots, 0)
    for number in range(-1, plan.stored_rounds):  # the first round warms up
        measured = {}
        for ballots in plan.stored_ballots:
            measured[ballots] = await measure(
                stand,
                "serve",
                requests[ballots],
                connections=plan.connections,
                seconds=plan.seconds * 0.8,
            )
            confirmed[ballots] += measured[ballots].outcome.expected
        if number >= 0:
            rounds.append(measured)
    for ballots, count in confirmed.items():
        if await stored(stand, contest_slug(ballots)) != ballots + count:
            raise RuntimeError(f"confirmed votes are missing among {ballots} stored ones")
    base = plan.stored_ballots[0]
    for ballots in plan.stored_ballots:
        worker = [result[ballots].worker_us for result in rounds]
        total = [result[ballots].total_us for result in rounds]
        worker_ratios = [result[ballots].worker_us / result[base].worker_us for result in rounds]
        total_ratios = [result[ballots].total_us / result[base].total_us for result in rounds]
        section.rows.append(
            [
                f"{ballots:,}",
                Spread.of(worker).text(),
                Spread.of(worker_ratios).text("{:.2f}"),
                Spread.of(total).text(),
                Spread.of(total_ratios).text("{:.2f}"),
            ]
        )
        section.figures[str(ballots)] = {
            "prefill_seconds": took[ballots],
            "rounds": [raw_figures(result[ballots]) for result in rounds],
        }
    section.notes = [
        f"Medians (min–max) of {plan.stored_rounds} rounds in turn. The ballots were filled in by "
        "one statement a size, of today, with random voters, analysed. A checkpoint came right "
        "before, so the first write to every index page is logged in full: the dearest minutes "
        "a big table has. Everything: workers, background loops, PostgreSQL, Valkey."
    ]
    return section
