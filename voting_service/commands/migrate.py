"""`migrate`: migrate the database to the newest version."""

from __future__ import annotations

import click

from voting_service.commands.output import say
from voting_service.infrastructure.postgres.migrations import latest_revision, upgrade
from voting_service.settings import load_migration_url


@click.command()
def migrate() -> None:
    """Migrate the database to the newest version. Safe to repeat, even on two machines at once."""
    upgrade(load_migration_url())
    say("migrate.done", revision=latest_revision())
