"""Holds, rulings and their effects on the counts."""

from voting_service.storage.migrations import run_script

revision = "0006_rulings"
down_revision = "0005_decisions"


def upgrade() -> None:
    run_script("0006_rulings.sql")
