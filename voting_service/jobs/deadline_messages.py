"""Reminds officers of a deadline, and deletes old messages from the log."""

from __future__ import annotations

from voting_service.infrastructure.postgres.database_clock import DatabaseClock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.jobs.loop_runner import Loop
from voting_service.nomination.officer_messages import remind_of_deadlines
from voting_service.staff.messages.service import forget_messages

NAME = "deadline_messages"


def deadline_messages_loop(clock: DatabaseClock) -> Loop:
    """Return the loop that does both every ten minutes."""

    async def remind(connection: Connection) -> None:
        now = await clock(connection)
        await remind_of_deadlines(connection, now)
        await forget_messages(connection, now)

    return Loop(NAME, 600.0, remind)
