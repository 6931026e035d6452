"""`audit-export`: a whole contest in one file, for `replay` and for outside auditors."""

from __future__ import annotations

import os
from pathlib import Path

import click

from voting_service.accounts.model import Account, require_role
from voting_service.commands.running import database, run
from voting_service.commands.staff import as_option, authenticate_staff
from voting_service.contests.store import load_contest
from voting_service.errors import Refused
from voting_service.journal.record import record
from voting_service.replay.writing import EXPORTERS, Written, write_audit_archive
from voting_service.settings import Settings, load_settings


@click.command("audit-export")
@click.argument("contest")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the archive (ZIP) is written; an existing file is not overwritten.",
)
@as_option
def audit_export(contest: str, out: Path, name: str) -> None:
    """Write everything of CONTEST into one archive: ballots, holds, rulings, decisions, versions.

    Voters and networks are pseudonyms; still it is voter-level data and not for the public. The
    export is recorded in the journal with the archive's SHA-256. `voting-service replay FILE`
    counts it again.
    """
    written = run(_export(load_settings(), contest, out, name))
    click.echo(f"{out}: {written.size_bytes} bytes, SHA-256 {written.sha256}")


async def _export(settings: Settings, slug: str, out: Path, name: str) -> Written:
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        account: Account = await authenticate_staff(connection, settings, name)
        require_role(account, *EXPORTERS)
        partial = out.with_name(f".{out.name}.partial")
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                written = await write_audit_archive(connection, contest, stream)
            await record(
                connection,
                account.name,
                "exported",
                contest=contest.slug,
                subject="audit archive",
                details={"sha256": written.sha256, "bytes": written.size_bytes},
            )
            os.link(partial, out)
        except FileExistsError as error:
            raise Refused(f"{error.filename2 or error.filename} exists already") from None
        except OSError as error:
            raise Refused(f"the archive cannot be written: {error}") from None
        finally:
            partial.unlink(missing_ok=True)
    return written
