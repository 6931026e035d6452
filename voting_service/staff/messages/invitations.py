"""Send the link of an invitation to the person it is for."""

from __future__ import annotations

from typing import NamedTuple

from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.staff.accounts.invitations import Invitation
from voting_service.staff.accounts.model import require_role
from voting_service.staff.actor import Actor
from voting_service.staff.audit_log.record import record
from voting_service.staff.messages.model import Channel, NewMessage, masked, parse_address
from voting_service.staff.messages.service import Recipient, tell_invited


class InvitationMessage(NamedTuple):
    """A link, until when it is valid in words, and where it goes as typed."""

    link: str
    until: Text
    channel: Channel
    address: str
    language: Language


async def send_link(
    actor: Actor, master_key: bytes, invitation: Invitation, sent: InvitationMessage
) -> None:
    """Send an invitation's link. Raises WrongRole, InvalidInput for what is no address, and Refused
    when it was sent there before."""
    require_role(actor.account, "administrator")
    address = parse_address(sent.channel, sent.address)
    recipient = Recipient(invitation.note, sent.channel, address, sent.language)
    message = NewMessage(
        kind="invitation", key=f"invitation/{invitation.id}", params={"until": sent.until}
    )
    with domain_errors():
        async with actor.connection.transaction():
            await tell_invited(actor, master_key, recipient, message, sent.link)
            await record(
                actor.connection,
                actor.account.name,
                "invitation_sent",
                subject=invitation.account_name or "",
                details={"note": invitation.note, "to": masked(address)},
            )
