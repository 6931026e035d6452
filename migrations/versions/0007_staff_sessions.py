"""Sessions and invitations of the staff."""

from voting_service.storage.migrations import run_script

revision = "0007_staff_sessions"
down_revision = "0006_rulings"


def upgrade() -> None:
    run_script("0007_staff_sessions.sql")
