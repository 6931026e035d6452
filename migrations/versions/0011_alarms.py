"""Alarms, and who has seen them."""

from voting_service.storage.migrations import run_script

revision = "0011_alarms"
down_revision = "0010_sweeps"


def upgrade() -> None:
    run_script("0011_alarms.sql")
