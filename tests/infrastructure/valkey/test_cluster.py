"""The client on a cluster: finds it from one node, and counts of the staff site are there too."""

from __future__ import annotations

import pytest

from loadtests.valkey_stand import ValkeyCluster
from tests.patience import PATIENCE_SECONDS, patient_valkey
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.errors import StoreFault
from voting_service.infrastructure.valkey import Valkey, shard_tag
from voting_service.sites.shared.signed_in.valkey_counts import ValkeyCounts

on_a_cluster = pytest.mark.parametrize("valkey_kind", ["cluster"])


@on_a_cluster
async def test_one_node_of_a_cluster_is_enough(
    valkey_cluster: ValkeyCluster, valkey_url: str
) -> None:
    assert valkey_url == valkey_cluster.url
    [first, *_] = await valkey_cluster.owners()
    client = patient_valkey(first.url)
    assert await client.shards() == 3
    names = [f"name {number}" for number in range(20)]
    for name in names:
        await client.command("SET", name, name)
    assert [await client.command("GET", name) for name in names] == [n.encode() for n in names]
    await client.probe()
    await client.close()


async def test_several_servers_that_are_no_cluster_are_a_fault(valkey: EmbeddedValkey) -> None:
    url = valkey.url.removesuffix("/0")
    client = Valkey(f"{url},{url}", call_timeout_seconds=PATIENCE_SECONDS)
    with pytest.raises(StoreFault, match="no cluster"):
        await client.command("GET", "n")
    await client.close()


@on_a_cluster
async def test_the_staff_site_s_limits_are_counted_in_it(valkey_url: str) -> None:
    here, there = ValkeyCounts(valkey_url), ValkeyCounts(valkey_url)
    assert here.check()
    assert [here.incr("staff", 60), there.incr("staff", 60), here.get("staff")] == [1, 2, 2]
    for counts in (here, there):
        counts.close()


@pytest.mark.parametrize("shards", [1, 2, 3, 5, 8])
def test_shards_of_a_contest_have_tags_of_their_own(shards: int) -> None:
    tags = {shard_tag(7, shard, shards) for shard in range(shards)}
    assert len(tags) == shards
    assert all(tag.startswith("{c7:") and tag.endswith("}") for tag in tags)
