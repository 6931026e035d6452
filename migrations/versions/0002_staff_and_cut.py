"""Staff accounts, decisions by two people, publications of the cut."""

from voting_service.storage.migrations import run_script

revision = "0002_staff_and_cut"
down_revision = "0001_vote"


def upgrade() -> None:
    run_script("0002_staff_and_cut.sql")
