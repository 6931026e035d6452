"""Contests, candidates, platforms, keys, ballots and kept tallies."""

from voting_service.storage.migrations import run_script

revision = "0001_vote"
down_revision = None


def upgrade() -> None:
    run_script("0001_vote.sql")
