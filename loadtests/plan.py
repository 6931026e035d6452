"""Length and load of a benchmark run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` are those of a round; `rate` None means a share of the saturation rate."""

    pairs: int
    seconds: float
    connections: int
    rate: float | None
    stored_ballots: tuple[int, ...]
    stored_rounds: int
    remembered_voters: tuple[int, ...]
    read_pairs: int


def full_plan(connections: int, rate: float | None) -> Plan:
    """Return the plan for published tables."""
    return Plan(
        pairs=5,
        seconds=5.0,
        connections=connections,
        rate=rate,
        stored_ballots=(10_000, 1_000_000, 5_000_000),
        stored_rounds=5,
        remembered_voters=(200_000, 1_000_000),
        read_pairs=3,
    )


def quick_plan(connections: int, rate: float | None) -> Plan:
    """Return a plan of a few seconds per round, with rough figures."""
    return Plan(
        pairs=3,
        seconds=2.0,
        connections=connections,
        rate=rate,
        stored_ballots=(10_000, 200_000),
        stored_rounds=2,
        remembered_voters=(50_000,),
        read_pairs=1,
    )
