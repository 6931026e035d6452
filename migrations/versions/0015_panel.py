"""The expert panel."""

from voting_service.storage.migrations import run_script

revision = "0015_panel"
down_revision = "0014_notices"


def upgrade() -> None:
    run_script("0015_panel.sql")
