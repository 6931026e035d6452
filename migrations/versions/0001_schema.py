"""The whole schema before the first release, a file for each area."""

from voting_service.infrastructure.postgres.migrations import run_script

revision = "0001_schema"
down_revision = None

AREAS = (
    "shared",
    "staff",
    "jobs",
    "messages",
    "contests",
    "voting",
    "candidate_changes",
    "public_log",
    "antifraud",
    "nomination/recommendations",
    "nomination/document_packs",
    "nomination/settings",
    "nomination/shortlist",
    "nomination/panel",
    "nomination/awards",
)
"""An area uses only tables of itself and of those before it."""


def upgrade() -> None:
    for area in AREAS:
        run_script(f"schema/{area}.sql")
