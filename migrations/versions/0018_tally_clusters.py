"""A floor of the tally names the cluster whose transaction ids it is about."""

from voting_service.storage.migrations import run_script

revision = "0018_tally_clusters"
down_revision = "0017_earlier_winners"


def upgrade() -> None:
    run_script("0018_tally_clusters.sql")
