"""Check the fields of one candidate as the contest file would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from voting_service.contests.contest_file.schema import CandidateSection
from voting_service.contests.contest_file.value_check import read_fault
from voting_service.errors import InvalidInput


def check_candidate(fields: Mapping[str, Any]) -> None:
    """Check a candidate's fields, named as in the contest file. Raises InvalidInput with every
    fault; its field is the path of the value, `name.en`."""
    try:
        CandidateSection.model_validate(fields)
    except ValidationError as error:
        raise InvalidInput(
            *(
                read_fault(details).at(".".join(map(str, details["loc"])))
                for details in error.errors(include_url=False)
            )
        ) from None
