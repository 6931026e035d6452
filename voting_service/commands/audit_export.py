"""`audit-export`: write a whole contest to one file, for `replay` and for outside auditors."""

from __future__ import annotations

import os
from pathlib import Path

import click

from voting_service.commands.authentication import as_option, authenticate_staff
from voting_service.commands.output import say
from voting_service.commands.runtime import database, run
from voting_service.contests.repository import load_contest
from voting_service.errors import Refused
from voting_service.settings import Settings, load_settings
from voting_service.staff.accounts.model import Account, require_role
from voting_service.staff.audit_log.record import record
from voting_service.voting.replay.writer import (
    EXPORTERS,
    WrittenArchive,
    write_audit_archive,
)


@click.command("audit-export")
@click.argument("contest")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The ZIP file to write. An existing file is not overwritten.",
)
@as_option
def audit_export(contest: str, out: Path, name: str) -> None:
    """Write CONTEST to one archive: ballots, holds, rulings, approvals and published versions.

    Voters and networks appear as pseudonyms, but the archive holds one line per ballot: do not
    publish it. The export is recorded in the audit log with the archive's SHA-256. To count it
    again, run `voting-service replay FILE`.
    """
    written = run(_export(load_settings(), contest, out, name))
    say("audit_export.written", out=out, size=written.size_bytes, sha256=written.sha256)


async def _export(settings: Settings, slug: str, out: Path, name: str) -> WrittenArchive:
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
            raise Refused(
                "commands.audit_export.file_exists", value=error.filename2 or error.filename
            ) from None
        except OSError as error:
            raise Refused("commands.audit_export.cannot_write", error=error) from None
        finally:
            partial.unlink(missing_ok=True)
    return written
