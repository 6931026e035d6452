"""Groups the ballots that screening held into holds, once their day is over."""

from __future__ import annotations

import structlog

from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.jobs.loop_runner import Loop, for_each_contest
from voting_service.voting.completeness import CompletenessReader
from voting_service.voting.rulings.held_ballots import gather

NAME = "held_ballots"

log = structlog.get_logger(__name__)


def held_ballots_loop(completeness: CompletenessReader) -> Loop:
    """Return the loop that makes holds of held ballots, for people to rule on."""

    async def make_holds(connection: Connection, contest: Contest) -> None:
        for hold_id in await gather(connection, contest, await completeness(connection)):
            log.info("held_ballots_grouped", contest=contest.slug, hold=hold_id)

    return Loop(NAME, 30.0, for_each_contest(NAME, make_holds))
