"""What administrators do with recommending bodies."""

from __future__ import annotations

from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.nomination.model import BodyKind, RecommendingBody
from voting_service.nomination.repository import insert_body, insert_body_invitation
from voting_service.staff.accounts.invitations import invite
from voting_service.staff.actor import Actor
from voting_service.staff.audit_log.record import record


async def add_body(actor: Actor, slug: str, kind: BodyKind, name: Text) -> None:
    """Add a district or department. Raises InvalidInput when the slug is taken."""
    with domain_errors():
        async with actor.connection.transaction():
            await insert_body(actor.connection, slug, kind, name)
            await record(
                actor.connection,
                actor.account.name,
                "body_added",
                subject=slug,
                details={"kind": kind, "zh": name.zh},
            )


async def invite_officer(actor: Actor, body: RecommendingBody, note: str) -> str:
    """Return the token of an invitation that makes its account an officer of the body. Raises as
    `staff.accounts.invitations.invite`."""
    with domain_errors():
        async with actor.connection.transaction():
            token = await invite(actor.connection, actor.account, "recommender", note, actor.now)
            await insert_body_invitation(actor.connection, token, body)
    return token
