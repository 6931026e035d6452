"""`nomination draw`: repeat the draw of the candidates' numbers from the public notice alone."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from voting_service.commands.output import say
from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
)
from voting_service.infrastructure.crypto.public_draw import lot, lot_order
from voting_service.infrastructure.text_files import read_text_file
from voting_service.nomination.notices.repository import Notice


@click.command("draw")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def draw(file: Path) -> None:
    """Repeat the draw described in FILE, a notice from /api/v1/notices/…, and check its numbers."""
    try:
        notice = msgspec.json.decode(read_text_file(file), type=Notice)
    except msgspec.MsgspecError as error:
        raise InvalidInput(
            Fault(file.name, "commands.nomination_draw.not_a_notice", error=error)
        ) from None
    drawn = notice.draw
    if drawn is None:
        raise Refused("commands.nomination_draw.notice_without_draw", slug=notice.slug)
    if drawn.seed is None:
        raise Refused(
            "commands.nomination_draw.digits_not_known",
            known_at=drawn.known_at.isoformat(),
        )
    order = lot_order(drawn.seed, drawn.selection, drawn.tickets)
    for number, ticket in enumerate(order, start=1):
        click.echo(f"{number:>3}  {ticket}  {lot(drawn.seed, drawn.selection, ticket)}")
    # A replacement after the draw has the number of the person replaced, and no ticket.
    number_by_ticket = {ticket: number for number, ticket in enumerate(order, start=1)}
    rows_agree = all(
        number_by_ticket.get(row.ticket) == row.number for row in notice.rows if row.ticket
    )
    if order != drawn.tickets or not rows_agree:
        raise Refused("commands.nomination_draw.numbers_do_not_follow")
    say("nomination.numbers_follow", seed=drawn.seed)
