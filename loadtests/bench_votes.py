"""Votes compared with the bare endpoint at saturation, and votes at a moderate fixed rate."""

from __future__ import annotations

from dataclasses import asdict
from statistics import median

from loadtests import CONTEST
from loadtests.measure import Measured, Spread, ballot_requests, measure
from loadtests.plan import Plan
from loadtests.report import Section
from loadtests.stand import Stand

_QUIET_SHARE = 0.1
_MODERATE_SHARE = 0.4
"""Of the median rate at saturation."""


async def stored(stand: Stand, slug: str = CONTEST) -> int:
    """Return the number of the contest's ballots in Postgres."""
    async with stand.database() as connection:
        count: int = await connection.fetchval(
            "select count(*) from ballots"
            " where contest_id = (select id from contests where slug = $1)",
            slug,
        )
    return count


async def saturation(stand: Stand, plan: Plan) -> Section:
    """Measure interleaved rounds: bare, vote, bare, vote …, with a ratio for each pair."""
    section = Section("A vote beside a bare endpoint", ["figure", "median (min–max)"])
    requests = ballot_requests(await stand.minting())
    pairs: list[tuple[Measured, Measured]] = []
    stored_before = await stored(stand)
    confirmed = 0
    for pair in range(-1, plan.pairs):  # the first pair warms up and is thrown away
        seconds = plan.seconds if pair >= 0 else min(2.0, plan.seconds)
        bare = await measure(stand, "bare", requests, connections=plan.connections, seconds=seconds)
        vote = await measure(
            stand, "serve", requests, connections=plan.connections, seconds=seconds
        )
        confirmed += vote.outcome.expected
        if pair >= 0:
            pairs.append((bare, vote))
    votes = [vote for _, vote in pairs]
    bares = [bare for bare, _ in pairs]
    ratios = [vote.worker_us / bare.worker_us for bare, vote in pairs]
    others = Spread.of([measured.others_share for pair in pairs for measured in pair])
    figures = {
        "ratio of worker CPU, vote to bare, pair by pair": Spread.of(ratios).text("{:.2f}"),
        "worker CPU per confirmed vote, µs": Spread.of([v.worker_us for v in votes]).text(),
        "worker CPU per bare request, µs": Spread.of([b.worker_us for b in bares]).text(),
        "PostgreSQL CPU per vote, µs": Spread.of([v.postgres_us for v in votes]).text(),
        "Valkey CPU per vote, µs": Spread.of([v.valkey_us for v in votes]).text(),
        "background loops CPU per vote, µs": Spread.of([v.background_us for v in votes]).text(),
        "**confirmed votes a second**": Spread.of([v.outcome.per_second for v in votes]).text(),
        "bare requests a second": Spread.of([b.outcome.per_second for b in bares]).text(),
        "CPU of the machine taken by others": others.text("{:.0%}"),
        "vote p50 at saturation, ms": Spread.of([v.outcome.p50_ms for v in votes]).text("{:.1f}"),
        "vote p95 at saturation, ms": Spread.of([v.outcome.p95_ms for v in votes]).text("{:.1f}"),
        "vote p99 at saturation, ms": Spread.of([v.outcome.p99_ms for v in votes]).text("{:.1f}"),
    }
    section.rows = [[name, value] for name, value in figures.items()]
    section.notes = [
        f"{plan.pairs} pairs of {plan.seconds:g} s, one after the other; a closed loop of "
        f"{plan.connections} connections; {stand.workers} workers each. Every vote is a fresh "
        "voter's; sessions are minted with the contest's key, because sign-in is not what is "
        "measured. Client, stores and workers share the machine.",
        "",
        _verdict(confirmed, await stored(stand) - stored_before, votes),
    ]
    if others.median > _QUIET_SHARE:
        section.notes += [
            "",
            "**The machine was not quiet**: other programs took part of its CPU, so the rates "
            "and the latencies are worse than they would be. Run it again.",
        ]
    section.figures = {
        "ratio": ratios,
        "pairs": [{"bare": raw_figures(bare), "vote": raw_figures(vote)} for bare, vote in pairs],
    }
    return section


async def moderate_rate(stand: Stand, plan: Plan, saturated: Section | None) -> Section:
    """Measure votes at a fixed rate well below saturation."""
    rate = plan.rate or _moderate(saturated)
    requests = ballot_requests(await stand.minting())
    section = Section(
        "Latency at a moderate rate",
        ["votes a second", "p50 ms", "p95 ms", "p99 ms", "max ms", "worker CPU per vote, µs"],
    )
    section.notes = [
        "Open loop: latency counts from the moment a vote was due, so a stall cannot hide."
    ]
    measured = await measure(
        stand,
        "serve",
        requests,
        connections=plan.connections,
        seconds=plan.seconds * 2,
        rate=rate,
    )
    outcome = measured.outcome
    section.rows = [
        [
            f"{outcome.per_second:,.0f}",
            *(
                f"{value:.1f}"
                for value in (outcome.p50_ms, outcome.p95_ms, outcome.p99_ms, outcome.max_ms)
            ),
            f"{measured.worker_us:,.0f}",
        ]
    ]
    section.figures = raw_figures(measured)
    return section


def raw_figures(measured: Measured) -> dict[str, object]:
    """Return the raw figures of a round."""
    outcome = measured.outcome
    raw = {name: getattr(outcome, name) for name in outcome.__struct_fields__}
    return {**asdict(measured), "outcome": raw, "per_second": outcome.per_second}


def _moderate(saturated: Section | None) -> float:
    if saturated is None:
        return 1_000.0
    rates: list[float] = [pair["vote"]["per_second"] for pair in saturated.figures["pairs"]]
    return float(round(median(rates) * _MODERATE_SHARE, -2))


def _verdict(confirmed: int, rows: int, votes: list[Measured]) -> str:
    unexpected = sum(vote.outcome.unexpected for vote in votes)
    if confirmed != rows:
        raise RuntimeError(f"{confirmed} votes were confirmed, but {rows} ballots are stored")
    return f"All {confirmed:,} confirmed votes are in PostgreSQL; {unexpected} other answers."
