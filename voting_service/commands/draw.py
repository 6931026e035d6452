"""`selection draw`: draws candidates' numbers again, from the public notice alone."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from voting_service.contests.lots import lot, lot_order
from voting_service.contests.notices import Notice
from voting_service.errors import Fault, InvalidInput, Refused


@click.command("draw")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def draw(file: Path) -> None:
    """Draw the numbers again from FILE, a notice as /api/v1/notices/… gives it."""
    try:
        notice = msgspec.json.decode(file.read_bytes(), type=Notice)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(Fault(file.name, f"is no notice: {error}")) from None
    drawn = notice.draw
    if drawn is None:
        raise Refused(f"{notice.slug} tells of no draw; take the notice of the draw")
    if drawn.seed is None:
        raise Refused(f"the digits are not known yet; they come at {drawn.known_at.isoformat()}")
    order = lot_order(drawn.seed, drawn.matter, drawn.tickets)
    for number, ticket in enumerate(order, start=1):
        click.echo(f"{number:>3}  {ticket}  {lot(drawn.seed, drawn.matter, ticket)}")
    # Whoever came instead of somebody after the draw has that one's number, and no ticket.
    places = {ticket: number for number, ticket in enumerate(order, start=1)}
    told = all(places.get(row.ticket) == row.number for row in notice.rows if row.ticket)
    if order != drawn.tickets or not told:
        raise Refused("these numbers do not follow from the digits")
    click.echo(f"the numbers follow from the digits {drawn.seed}")
