"""What a batch costs: one Valkey round trip and at most two Postgres statements."""

from __future__ import annotations

from tests.infrastructure.postgres.tcp_proxy import TcpProxy, executed_statements
from tests.voting.ballots.conftest import Bench, leave_hints, new_voter
from voting_service.errors import AlreadyVoted
from voting_service.voting.ballots.vote import Accepted, Repeated

MANY = 300


def used(record_wire: TcpProxy, fast_wire: TcpProxy) -> tuple[int, int]:
    """(Valkey round trips, Postgres statements); a statement is one round trip, no more."""
    statements = executed_statements(bytes(record_wire.requests))
    assert record_wire.round_trips == statements
    assert record_wire.connections == fast_wire.connections == 0
    answer = fast_wire.round_trips, statements
    record_wire.forget()
    fast_wire.forget()
    return answer


async def test_new_ballots_cost_one_insert(
    wired: Bench, record_wire: TcpProxy, fast_wire: TcpProxy
) -> None:
    outcomes = await wired.cast_all([(new_voter(), [1 + i % 5]) for i in range(MANY)])
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert used(record_wire, fast_wire) == (1, 1)


async def test_repeated_ballots_cost_one_select(
    wired: Bench, record_wire: TcpProxy, fast_wire: TcpProxy
) -> None:
    ballots = [(new_voter(), [1 + i % 5]) for i in range(MANY)]
    await wired.cast_all(ballots)
    used(record_wire, fast_wire)
    outcomes = await wired.cast_all(ballots)
    assert all(isinstance(outcome, Repeated) for outcome in outcomes)
    assert used(record_wire, fast_wire) == (1, 1)


async def test_a_mixed_batch_costs_an_insert_and_a_select(
    wired: Bench, record_wire: TcpProxy, fast_wire: TcpProxy
) -> None:
    stored = [(new_voter(), [1]) for _ in range(MANY)]
    await wired.cast_all(stored)
    used(record_wire, fast_wire)
    twice = new_voter()
    outcomes = await wired.cast_all(
        [
            *((new_voter(), [2]) for _ in range(100)),
            *stored[:50],
            *((voter, [5]) for voter, _ in stored[50:100]),
            (twice, [3]),
            (twice, [3]),
        ]
    )
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Accepted] * 100 + [Repeated] * 50 + [AlreadyVoted] * 50 + [Accepted, Repeated]
    assert used(record_wire, fast_wire) == (1, 2)


async def test_ballots_that_valkey_has_forgotten_cost_an_insert_and_a_select(
    wired: Bench, record_wire: TcpProxy, fast_wire: TcpProxy
) -> None:
    ballots = [(new_voter(), [1]) for _ in range(MANY)]
    await wired.cast_all(ballots)
    await wired.valkey.command("FLUSHALL")
    used(record_wire, fast_wire)
    outcomes = await wired.cast_all(ballots)
    assert all(isinstance(outcome, Repeated) for outcome in outcomes)
    assert used(record_wire, fast_wire) == (1, 2)


async def test_a_hint_without_a_ballot_costs_a_second_round(
    wired: Bench, record_wire: TcpProxy, fast_wire: TcpProxy
) -> None:
    """The one exception to the budget, after a failure only: the select that finds nothing is
    followed by the insert. Valkey is not asked again."""
    ghosts = [new_voter() for _ in range(5)]
    await leave_hints(wired, ghosts)
    used(record_wire, fast_wire)
    outcomes = await wired.cast_all([(ghost, [1]) for ghost in ghosts])
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert used(record_wire, fast_wire) == (1, 2)

    await wired.cast_all([(ghosts[0], [1])])
    assert used(record_wire, fast_wire) == (1, 1)
