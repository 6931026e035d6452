"""What an officer's browser posts, without one."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from tests.staff.running_office import StaffClient
from voting_service.desk.access import form_mark
from voting_service.office.form import Form
from voting_service.office.recommendations.steps import Step, seen_mark, values_of

LIST = "/selections/selection-2022/recommendations"


async def post_step(
    client: StaffClient,
    number: int,
    step: Step,
    fields: Mapping[str, str],
    *,
    seen: Form | None = None,
    files: Mapping[str, tuple[str, bytes]] | None = None,
    json: bool = False,
    mark: str | None = None,
) -> httpx.Response:
    """A step as it was shown of the form `seen`, and changed in `fields`."""
    values = values_of(seen or Form(), step)
    parts: list[tuple[str, tuple[str | None, str | bytes]]] = [
        ("csrf", (None, form_mark(client.token) if mark is None else mark)),
        ("seen", (None, seen_mark(values))),
    ]
    for name, value in {**values, **fields}.items():
        texts = [value] if isinstance(value, str) else list(value)
        parts.extend((name, (None, text)) for text in texts)
    parts.extend((files or {}).items())
    address = f"{LIST}/{number}/steps/{step}{'.json' if json else ''}"
    return await client.post(address, files=parts)
