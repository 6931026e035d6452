"""The result and what follows it."""

from voting_service.storage.migrations import run_script

revision = "0016_awards"
down_revision = "0015_panel"


def upgrade() -> None:
    run_script("0016_awards.sql")
