"""Review, picks, draw and objections."""

from voting_service.storage.migrations import run_script

revision = "0013_review"
down_revision = "0012_office"


def upgrade() -> None:
    run_script("0013_review.sql")
