"""What the screening knows of a ballot's sender."""

from voting_service.storage.migrations import run_script

revision = "0009_screening"
down_revision = "0008_contest_changes"


def upgrade() -> None:
    run_script("0009_screening.sql")
