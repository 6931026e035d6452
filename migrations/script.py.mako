"""${message}"""

from voting_service.infrastructure.postgres.migrations import run_script

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    run_script("sql/${up_revision}.sql")
