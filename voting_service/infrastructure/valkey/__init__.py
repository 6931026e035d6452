"""Valkey or Redis: one server, one behind Sentinels, or a cluster."""

from voting_service.infrastructure.valkey.client import OPEN_CIRCUIT_SECONDS, Valkey
from voting_service.infrastructure.valkey.servers import MAX_CONNECTIONS
from voting_service.infrastructure.valkey.tags import contest_tag, shard_tag

__all__ = ["MAX_CONNECTIONS", "OPEN_CIRCUIT_SECONDS", "Valkey", "contest_tag", "shard_tag"]
