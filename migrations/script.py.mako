"""${message}"""

from alembic import op

from voting_service.storage.migrations import run_script

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    run_script(op, "${up_revision}.sql")
