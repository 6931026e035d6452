"""docs/sizing.md computes from the costs that it names, none below what was measured."""

from __future__ import annotations

import json

from tests.project.stats import ROOT
from voting_service.infrastructure.postgres.connection_budget import budget
from voting_service.settings import DEFAULT_MAX_WORKERS

TEXT = (ROOT / "docs" / "sizing.md").read_text(encoding="utf-8")
BUSY = 0.6
"""How much of a core is planned with."""


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table of a chapter, without its head."""
    chapter = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = [line for line in chapter.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def costs() -> dict[str, int]:
    return {part.split()[0]: int(cost) for part, cost, _ in rows("What a vote costs")}


def test_the_table_is_what_the_costs_make() -> None:
    cost = costs()
    for votes, serve, postgres, valkey, nginx, _ in rows("What that makes"):
        rate = int(votes.replace(",", ""))
        cores = {part: rate * microseconds / 1e6 for part, microseconds in cost.items()}
        assert serve == f"{cores['workers'] / BUSY:.1f}"
        assert postgres == f"{cores['PostgreSQL'] / BUSY:.1f}"
        assert valkey == f"{cores['Valkey']:.1%}"
        assert nginx == f"{cores['nginx'] / BUSY:.1f}"


def test_no_cost_is_below_what_the_benchmark_measured() -> None:
    results = ROOT / "loadtests" / "results" / "bench.json"
    measured = json.loads(results.read_text(encoding="utf-8"))["sections"][
        "Latency at a moderate rate"
    ]
    cost = costs()
    assert cost["workers"] >= measured["worker_us"]
    assert cost["PostgreSQL"] >= measured["postgres_us"]
    assert cost["Valkey"] >= measured["valkey_us"]


def test_the_connections_are_those_of_the_processes() -> None:
    stated = {who: count for who, count, *_ in rows("Connections")}
    needed = budget(workers=1, machines=1).needed
    assert stated["each worker of `serve`"] == str(needed["serve"])
    assert stated["`console`"] == str(needed["console"])
    assert stated["`work`"] == str(needed["work"])
    assert f"= {budget(DEFAULT_MAX_WORKERS, machines=2).total}," in TEXT
