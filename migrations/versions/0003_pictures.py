"""Candidates' pictures; where platforms show the profiles."""

from voting_service.storage.migrations import run_script

revision = "0003_pictures"
down_revision = "0002_staff_and_cut"


def upgrade() -> None:
    run_script("0003_pictures.sql")
