"""Valkey behind Sentinels, which replace a server that fails."""

from __future__ import annotations

from pathlib import Path

from loadtests.valkey_stand import ValkeyWithSentinels
from tests.patience import eventually
from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.valkey import Valkey
from voting_service.sites.shared.signed_in.valkey_counts import ValkeyCounts


async def test_the_replica_takes_over_with_data_and_functions(tmp_path: Path) -> None:
    stand = ValkeyWithSentinels(tmp_path / "sentinels")
    try:
        await stand.start()
        client, counts = Valkey(stand.url), ValkeyCounts(stand.url)
        await eventually(lambda: answers(client))
        await client.command("SET", "n", "1")
        assert await client.command("WAIT", 1, 0, key="n") == 1
        assert counts.incr("staff", 60) == 1
        await stand.primary.kill()
        await eventually(lambda: answers(client))
        assert await client.command("GET", "n") == b"1"
        assert (await client.command("ROLE"))[0] == b"master"
        await eventually(counts.check)
        assert counts.incr("staff", 60) == 2
        counts.close()
        await client.close()
    finally:
        await stand.stop()


async def answers(client: Valkey) -> bool:
    """Whether a function that writes can be called."""
    try:
        await client.probe()
        await client.command("SET", "answers", "1")
    except StoreUnavailable:
        return False
    return True
