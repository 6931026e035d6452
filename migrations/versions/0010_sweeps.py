"""Examinations of a contest's ballots."""

from voting_service.storage.migrations import run_script

revision = "0010_sweeps"
down_revision = "0009_screening"


def upgrade() -> None:
    run_script("0010_sweeps.sql")
