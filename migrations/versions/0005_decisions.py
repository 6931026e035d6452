"""Decisions about rulings and settings; proposals can be declined."""

from voting_service.storage.migrations import run_script

revision = "0005_decisions"
down_revision = "0004_journal"


def upgrade() -> None:
    run_script("0005_decisions.sql")
