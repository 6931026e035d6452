"""Contests, candidates, platforms, keys, ballots and kept tallies."""

from alembic import op

from voting_service.storage.migrations import run_script

revision = "0001_vote"
down_revision = None


def upgrade() -> None:
    run_script(op, "0001_vote.sql")
