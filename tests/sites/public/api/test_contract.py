"""The contract holds: schemathesis asks what /openapi.json promises, well and badly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contest_data import SLUG
from tests.patience import PATIENCE_SECONDS
from tests.sites.public.api.running_service import Service
from voting_service.sites.public.api.openapi import document
from voting_service.sites.public.app import ROUTES

EXAMPLES = 40
OPERATORS_PATHS = {"/healthz", "/readyz", "/openapi.json"}
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CONTRACT: Mapping[str, Any] = json.loads(document())
OPERATIONS: Mapping[str, Any] = {
    operation.label: operation
    for result in schemathesis.openapi.from_dict(dict(CONTRACT)).get_all_operations()
    if isinstance(result, Ok)
    for operation in (result.ok(),)
}
SEVERAL = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def ask(label: str, mode: GenerationMode, address: str, session: str) -> set[int]:
    """Sends generated requests of one operation, half of them for the contest there is; returns
    the statuses that were answered."""
    statuses = set()

    @SEVERAL
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode), here=st.booleans())
    def examples(case: Case[Any], here: bool) -> None:
        parameters = case.path_parameters
        if here and parameters and "slug" in parameters and "events" not in label:
            parameters["slug"] = SLUG
        headers = {"authorization": f"Bearer {session}"} if here else {}
        answer = case.call_and_validate(
            base_url=address, headers=headers, checks=CHECKS, timeout=PATIENCE_SECONDS
        )
        statuses.add(answer.status_code)

    examples()
    return statuses


WELL = [(label, GenerationMode.POSITIVE) for label in OPERATIONS]
BADLY = [(label, GenerationMode.NEGATIVE) for label in OPERATIONS if label.startswith("POST")]


@pytest.mark.parametrize(
    ("label", "mode"), [*WELL, *BADLY], ids=lambda part: getattr(part, "value", part)
)
async def test_generated_requests_are_answered_as_promised(
    lasting_service: Service, label: str, mode: GenerationMode
) -> None:
    session = await lasting_service.open_session()
    address = f"http://127.0.0.1:{lasting_service.port}"
    statuses = await asyncio.to_thread(ask, label, mode, address, session)
    assert statuses
    assert max(statuses) < 500
    if mode is GenerationMode.NEGATIVE:
        assert min(statuses) >= 400, "what breaks the contract is not taken"


async def test_the_contract_names_every_route(shared_service: Service) -> None:
    given_paths = set((await shared_service.client.get("/openapi.json")).json()["paths"])
    served = {
        route.path
        for route in ROUTES
        if route.path.startswith("/api/") or route.path in OPERATORS_PATHS
    }
    assert given_paths == served


async def test_every_answer_has_one_operation_of_its_own_name() -> None:
    names = [
        operation["operationId"]
        for path in CONTRACT["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]
    assert len(names) == len(set(names)) == len(OPERATIONS)
