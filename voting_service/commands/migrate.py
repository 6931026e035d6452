"""`migrate`: brings the database to the newest migration."""

from __future__ import annotations

import click

from voting_service.settings import load_settings
from voting_service.storage.migrations import latest_revision, upgrade


@click.command()
def migrate() -> None:
    """Bring the database to the newest migration. Safe to run again, and by two at once."""
    upgrade(load_settings().migration_url)
    click.echo(f"the database is at {latest_revision()}")
