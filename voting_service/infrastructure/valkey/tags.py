"""Hash tags: what stands together on a node of a cluster, and how a contest is spread over all."""

from __future__ import annotations

from functools import lru_cache
from itertools import count

from redis.crc import key_slot

SLOTS = 16_384


def contest_tag(contest_id: int) -> str:
    """Return the hash tag of what a contest has once, which stands on one node of a cluster."""
    return f"{{c{contest_id}}}"


def shard_tag(contest_id: int, shard: int, shards: int) -> str:
    """Return the hash tag of one of a contest's shards."""
    return tag_in_share(f"c{contest_id}", shard, shards)


@lru_cache(maxsize=1024)
def tag_in_share(name: str, shard: int, shards: int) -> str:
    """Return the first tag of a name whose slot is in the shard's share of all slots, so that where
    nodes have equal shares each has one."""
    first, end = shard * SLOTS // shards, (shard + 1) * SLOTS // shards
    tags = (f"{name}:{number:02}" for number in count())
    return next(f"{{{tag}}}" for tag in tags if first <= key_slot(tag.encode()) < end)
