"""Public notices."""

from voting_service.storage.migrations import run_script

revision = "0014_notices"
down_revision = "0013_review"


def upgrade() -> None:
    run_script("0014_notices.sql")
