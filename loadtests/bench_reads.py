"""Public reads compared with a bare endpoint that returns the same bytes."""

from __future__ import annotations

from loadtests.bare import READS
from loadtests.bench_votes import raw_figures
from loadtests.http_client import prepare
from loadtests.measure import Measured, Spread, measure
from loadtests.plan import Plan
from loadtests.report import Section
from loadtests.rounds import Same
from loadtests.stand import Stand


async def reads(stand: Stand, plan: Plan) -> Section:
    """Measure each read in interleaved pairs: bare, service, bare, service …"""
    section = Section(
        "Public reads beside a bare endpoint with the same bytes",
        ["read", "bytes", "reads a second", "bare", "ratio", "worker CPU, µs", "bare", "ratio"],
    )
    for name, read in READS.items():
        request = Same(request=prepare("GET", read.path, headers=read.request_headers))
        pairs: list[tuple[Measured, Measured]] = []
        for pair in range(-1, plan.read_pairs):
            bare, ours = [
                await measure(
                    stand,
                    server,
                    request,
                    connections=plan.connections,
                    seconds=plan.seconds * 0.6 if pair >= 0 else 1.0,
                    expected_status=200,
                )
                for server in ("bare", "serve")
            ]
            if pair >= 0:
                pairs.append((bare, ours))
        section.rows.append(_row(name, len(stand.bare_reads[name]), pairs))
        section.figures[name] = [
            {"bare": raw_figures(bare), "service": raw_figures(ours)} for bare, ours in pairs
        ]
    section.notes = [f"Medians (min–max) of {plan.read_pairs} pairs."]
    return section


def _row(read: str, size: int, pairs: list[tuple[Measured, Measured]]) -> list[str]:
    rates = [ours.outcome.per_second for _, ours in pairs]
    bare_rates = [bare.outcome.per_second for bare, _ in pairs]
    costs = [ours.worker_us for _, ours in pairs]
    bare_costs = [bare.worker_us for bare, _ in pairs]
    return [
        read,
        f"{size:,}",
        Spread.of(rates).text(),
        Spread.of(bare_rates).text(),
        Spread.of([o / b for o, b in zip(rates, bare_rates, strict=True)]).text("{:.2f}"),
        Spread.of(costs).text(),
        Spread.of(bare_costs).text(),
        Spread.of([o / b for o, b in zip(costs, bare_costs, strict=True)]).text("{:.2f}"),
    ]
