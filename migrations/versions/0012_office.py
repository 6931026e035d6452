"""The office: selections, bodies, recommendations."""

from voting_service.storage.migrations import run_script

revision = "0012_office"
down_revision = "0011_alarms"


def upgrade() -> None:
    run_script("0012_office.sql")
