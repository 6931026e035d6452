"""Changes of a contest, announced; its ballot rules fixed."""

from voting_service.storage.migrations import run_script

revision = "0008_contest_changes"
down_revision = "0007_staff_sessions"


def upgrade() -> None:
    run_script("0008_contest_changes.sql")
