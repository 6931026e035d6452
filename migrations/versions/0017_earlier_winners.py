"""Whoever wins is an earlier winner."""

from voting_service.storage.migrations import run_script

revision = "0017_earlier_winners"
down_revision = "0016_awards"


def upgrade() -> None:
    run_script("0017_earlier_winners.sql")
