"""What an officer's browser posts, without one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import httpx

from tests.sites.console.running_staff_app import StaffClient
from voting_service.nomination.form.model import RecommendationForm
from voting_service.sites.nomination.recommendations.form_steps import (
    Step,
    step_values,
    values_fingerprint,
)
from voting_service.sites.shared.signed_in.access import csrf_token

LIST = "/selections/selection-2022/recommendations"


async def post_step(
    client: StaffClient,
    number: int,
    step: Step,
    fields: Mapping[str, str],
    *,
    seen: RecommendationForm | None = None,
    files: Mapping[str, tuple[str, bytes]] | Iterable[tuple[str, tuple[str, bytes]]] = (),
    json: bool = False,
    mark: str | None = None,
) -> httpx.Response:
    """A step as it was shown of the form `seen`, and changed in `fields`."""
    values = step_values(seen or RecommendationForm(), step)
    parts: list[tuple[str, tuple[str | None, str | bytes]]] = [
        ("csrf", (None, csrf_token(client.token) if mark is None else mark)),
        ("seen", (None, values_fingerprint(values))),
    ]
    for name, value in {**values, **fields}.items():
        texts = [value] if isinstance(value, str) else list(value)
        parts.extend((name, (None, text)) for text in texts)
    parts.extend(files.items() if isinstance(files, Mapping) else files)
    address = f"{LIST}/{number}/steps/{step}{'.json' if json else ''}"
    return await client.post(address, files=parts)
