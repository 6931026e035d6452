"""A decision in one line, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from voting_service.decisions.model import Decision
from voting_service.desk.cookies import language
from voting_service.desk.state import desk_of
from voting_service.rulings.model import REASONS, Hold
from voting_service.web.changes_in_words import setting_in_words
from voting_service.web.languages import written_number


def decision_in_words(request: Request, decision: Decision, holds: Mapping[int, Hold]) -> str:
    """What is decided; `holds` are those of its contest, by id."""
    reader = language(request)
    texts = desk_of(request).face.texts(reader)["rulings"]
    said: str = texts["decisions"][decision.kind]
    match decision.kind:
        case "ruling":
            hold, payload = holds[decision.payload["hold"]], decision.payload
            return said.format(
                hold=hold.id,
                label=hold.label,
                ballots=written_number(hold.ballots, reader),
                verdict=texts["verdicts"][payload["verdict"]],
                reason=getattr(REASONS[payload["reason"]].words, reader),
            )
        case "settings":
            setting, _, platform = decision.subject.partition("/")[0].partition(" ")
            return said.format(subject=f"{setting_in_words(setting, reader)} {platform}".strip())
        case _:
            return said.format(subject=decision.subject)
