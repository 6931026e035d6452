"""The journal of every act, chained by hashes."""

from voting_service.storage.migrations import run_script

revision = "0004_journal"
down_revision = "0003_pictures"


def upgrade() -> None:
    run_script("0004_journal.sql")
