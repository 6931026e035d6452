"""Faults of the network between `serve` and its stores: cut, half open, slow, parted."""

from __future__ import annotations

import asyncio
import re

from loadtests.faults.field import Fault, Field
from tests.infrastructure.postgres.tcp_proxy import TcpProxy, containing
from voting_service.infrastructure.timeouts import COMMAND_TIMEOUT_SECONDS
from voting_service.voting.ballots.commit import QUERIES

_PARAMETERS = max(int(number) for number in re.findall(r"\$(\d+)", QUERIES["insert_ballots"]))
_INSERT = containing(b"\x00\x01\x00\x01" + _PARAMETERS.to_bytes(2, "big"))
"""The bind of the insert: every parameter in binary, and how many there are."""
_AWAY_SECONDS = (0.5, 3.0)


async def _cut_after_commit(field: Field) -> None:
    """The batch is stored, and `serve` does not learn it."""
    field.stand.postgres_wire.deafen_next(_INSERT)
    await field.pause(0.2, 0.5)


async def _cut_before_commit(field: Field) -> None:
    field.stand.postgres_wire.drop_next(_INSERT)
    await field.pause(0.2, 0.5)


async def _cut(field: Field, wire: TcpProxy) -> None:
    wire.cut()
    await field.pause(0.05, 0.3)


async def _half_open(field: Field, wire: TcpProxy, seconds: float) -> None:
    """Connections stand and nothing comes; then they break."""
    wire.hang()
    await asyncio.sleep(seconds)
    wire.cut()
    wire.flow()


async def _slow(field: Field, wire: TcpProxy, delay_seconds: float) -> None:
    wire.delay_seconds = delay_seconds
    await field.pause(1.0, 3.0)
    wire.delay_seconds = 0.0


async def _part(field: Field, wire: TcpProxy) -> None:
    await wire.refuse()
    await field.pause(*_AWAY_SECONDS)
    await wire.listen()


async def _cut_postgres(field: Field) -> None:
    await _cut(field, field.stand.postgres_wire)


async def _cut_valkey(field: Field) -> None:
    await _cut(field, field.stand.valkey_wire)


async def _half_open_postgres(field: Field) -> None:
    """Sometimes longer than a statement may take."""
    seconds = field.chooser.choice((1.0, COMMAND_TIMEOUT_SECONDS + 1))
    await _half_open(field, field.stand.postgres_wire, seconds)


async def _half_open_valkey(field: Field) -> None:
    await _half_open(field, field.stand.valkey_wire, field.chooser.uniform(*_AWAY_SECONDS))


async def _slow_postgres(field: Field) -> None:
    await _slow(field, field.stand.postgres_wire, field.chooser.uniform(0.1, 0.6))


async def _slow_valkey(field: Field) -> None:
    await _slow(field, field.stand.valkey_wire, field.chooser.uniform(0.1, 0.7))


async def _part_postgres(field: Field) -> None:
    """Without PostgreSQL nothing is confirmed."""
    wire = field.stand.postgres_wire
    await wire.refuse()
    await asyncio.sleep(0.3)
    confirmed = len(field.crowd.answered_at)
    await field.pause(*_AWAY_SECONDS)
    if len(field.crowd.answered_at) > confirmed:
        field.broken.append("votes were confirmed without PostgreSQL")
    await wire.listen()


async def _part_valkey(field: Field) -> None:
    """Without Valkey votes go on, and none is refused."""
    wire = field.stand.valkey_wire
    await wire.refuse()
    refused = field.crowd.unavailable
    if not await field.votes_come():
        field.broken.append("without Valkey no vote was confirmed")
    await field.pause(*_AWAY_SECONDS)
    if field.crowd.unavailable > refused:
        field.broken.append("votes were refused without Valkey")
    await wire.listen()


FAULTS = (
    Fault("connection reset after the commit", 2, 300, _cut_after_commit),
    Fault("connection reset before the commit", 1, 100, _cut_before_commit),
    Fault("connections to PostgreSQL reset", 1, 100, _cut_postgres),
    Fault("connections to Valkey reset", 1, 100, _cut_valkey),
    Fault("half-open connections to PostgreSQL", 1, 20, _half_open_postgres),
    Fault("half-open connections to Valkey", 1, 20, _half_open_valkey),
    Fault("slow connections to PostgreSQL", 1, 20, _slow_postgres),
    Fault("slow connections to Valkey", 1, 20, _slow_valkey),
    Fault("partition: serve and work from PostgreSQL", 1, 30, _part_postgres),
    Fault("partition: serve and work from Valkey", 1, 30, _part_valkey),
)
