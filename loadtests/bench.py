"""The benchmark: `python -m loadtests.bench [--quick] [--only vote]…`; see README.md."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Literal, get_args

import click
import httpx

from loadtests import CONTEST
from loadtests.bare import READS, Read
from loadtests.bench_memory import bytes_per_voter
from loadtests.bench_reads import reads
from loadtests.bench_stored import cost_by_stored_ballots
from loadtests.bench_votes import moderate_rate, saturation
from loadtests.plan import Plan, full_plan, quick_plan
from loadtests.report import Section, machine_line, save
from loadtests.stand import Stand, open_stand
from loadtests.voters import minted

Part = Literal["vote", "rate", "memory", "stored", "reads"]
PARTS: tuple[Part, ...] = get_args(Part)


async def prepare_bare(stand: Stand) -> None:
    """Cast one vote and make one read, so that the bare server can answer the same bytes."""
    base = f"/api/v1/contests/{CONTEST}"
    async with httpx.AsyncClient(base_url=stand.address()) as client:
        session = minted(await stand.minting(), os.urandom(16))
        cast = await client.post(
            f"{base}/ballots",
            json={"choices": [1, 2, 3]},
            headers={"authorization": f"Bearer {session}"},
        )
        if cast.status_code != 201:
            raise RuntimeError(f"a vote was answered {cast.status_code}: {cast.text}")
        reads = {name: await _as_sent(client, read) for name, read in READS.items()}
    await stand.serve_bare(cast.content, reads)


async def _as_sent(client: httpx.AsyncClient, read: Read) -> bytes:
    """Return the body of an answer, still compressed."""
    headers = {"accept-encoding": "identity", **read.request_headers}
    async with client.stream("GET", read.path, headers=headers) as answer:
        answer.raise_for_status()
        return b"".join([chunk async for chunk in answer.aiter_raw()])


async def run_parts(plan: Plan, parts: tuple[Part, ...], workers: int) -> list[Section]:
    """Run the chosen parts one after the other on one stand; print each result."""
    sections: list[Section] = []
    async with open_stand(workers=workers) as stand:
        await prepare_bare(stand)
        saturated: Section | None = None
        for part in PARTS:
            if part not in parts:
                continue
            if part == "vote":
                section = saturated = await saturation(stand, plan)
            elif part == "rate":
                section = await moderate_rate(stand, plan, saturated)
            elif part == "memory":
                section = await bytes_per_voter(stand, plan)
            elif part == "stored":
                section = await cost_by_stored_ballots(stand, plan)
            else:
                section = await reads(stand, plan)
            click.echo(section.markdown())
            sections.append(section)
    return sections


@click.command()
@click.option("--only", "parts", multiple=True, type=click.Choice(PARTS), help="Only these parts.")
@click.option("--quick", is_flag=True, help="A few seconds each; rough figures, nothing saved.")
@click.option("--workers", type=click.IntRange(min=1), default=os.cpu_count() or 1)
@click.option("--connections", type=click.IntRange(min=1), help="Default: 128 a worker.")
@click.option("--rate", type=float, help="Votes a second of the part `rate`.")
def bench(
    *,
    parts: tuple[Part, ...],
    quick: bool,
    workers: int,
    connections: int | None,
    rate: float | None,
) -> None:
    """Compare the service with a bare endpoint, print the table and save it in results/.

    A run with --quick or --only is printed and not saved.
    """
    make_plan = quick_plan if quick else full_plan
    plan = make_plan(connections or workers * 128, rate)
    begins_at = time.monotonic()
    click.echo(machine_line() + "\n")
    sections = asyncio.run(run_parts(plan, parts or PARTS, workers))
    took = f"Took {time.monotonic() - begins_at:.0f} s."
    if quick or parts:
        click.echo(f"{took} Not saved: this was not a full run.")
        return
    save("bench", "Benchmark", [took], sections)
    click.echo(f"{took} Saved in loadtests/results/bench.md and bench.json.")


if __name__ == "__main__":
    bench()
