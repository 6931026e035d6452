"""Pages that show what was recorded show a line of any shape."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contest_data import SLUG
from tests.sites.console.running_staff_app import StaffApp
from tests.staff.audit_log.recorded_acts import recorded_acts
from voting_service.sites.console.audit_log.views import LogLine, show_line
from voting_service.sites.console.exports.views import past_export
from voting_service.staff.audit_log.model import ACTS, Entry

EXPORTS = f"/contests/{SLUG}/exports"
ODD: list[Any] = [
    [],
    "text",
    7,
    None,
    True,
    {"state": ["begun"], "rows": {}, "sha256": {"a": 1}},
    {"at": "soon", "actor": [], "file": 1, "state": None, "rows": "many"},
    {"rows": -1.5e300, "bytes": "x", "state": {"begun": 1}},
    {"kind": ["ruling"]},
    {"kind": {}, "": "", "a.b": [[], {}, [{}]]},
]
"""Details that nothing of ours writes."""


async def write(staff_app: StaffApp, act: str, details: str, subject: str = "") -> None:
    await staff_app.database.execute(
        "insert into audit_log (actor, act, contest, subject, details)"
        " values ('somebody', $1, $2, $3, $4::text::jsonb)",
        act, SLUG, subject, details,
    )  # fmt: skip


def test_the_acts_of_the_code_are_collected() -> None:
    written = {act for act, _ in recorded_acts()}
    assert written <= set(ACTS)
    assert len(written) > 40
    assert ("exported", ("version",)) in recorded_acts()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_every_act_that_is_recorded_is_shown(staff_app: StaffApp, language: str) -> None:
    for act, keys in sorted(recorded_acts() | {(act, ()) for act in ACTS}):
        details = msgspec.json.encode(dict.fromkeys(keys, "told"))
        await write(staff_app, act, details.decode(), f"about {act}")
        await write(staff_app, act, details.decode(), "approval 1")
    reader = staff_app.client(await staff_app.token("auditor"), **{"accept-language": language})
    for address in ("/audit-log", "/audit-log?act=exported", EXPORTS):
        page = await reader.get(address)
        assert page.status_code == 200, page.text
    for act in ACTS:
        page = await reader.get(f"/audit-log?act={act}")
        assert page.status_code == 200
        assert f"about {act}" in page.text
    assert "about exported" in (await reader.get(EXPORTS)).text


@pytest.mark.parametrize("act", ["exported", "approved", "viewed"])
async def test_details_of_any_shape_are_shown(staff_app: StaffApp, act: str) -> None:
    deep = "[" * 2000 + "]" * 2000
    for number, details in enumerate([*(msgspec.json.encode(first).decode() for first in ODD),
                                      "1e400", f'{{"a": {deep}}}']):  # fmt: skip
        await write(staff_app, act, details, f"line {number}")
        await write(staff_app, act, details, "approval 1")
    auditor = await staff_app.signed_in_client("auditor")
    for address in ("/audit-log", EXPORTS):
        page = await auditor.get(address)
        assert page.status_code == 200, page.text
        if act == "exported" or address == "/audit-log":
            assert all(f"line {number}<" in page.text for number in range(2, len(ODD) + 2))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text() | st.sampled_from(["begun", "completed", "ruling"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.text()
        | st.sampled_from(["state", "rows", "sha256", "kind", "at", "actor", "file", "bytes"]),
        inner,
        max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


@given(ANY_JSON, st.sampled_from(["", "approval 3", "hold 7", "version 2, announcement"]))
def test_any_details_are_read(details: Any, subject: str) -> None:
    entry = Entry(
        1, datetime(2022, 7, 1, tzinfo=UTC), "somebody", "exported", "contest", subject,
        msgspec.json.encode(details).decode(), b"", b"",
    )  # fmt: skip
    shown = past_export(entry)
    assert (shown.at, shown.actor, shown.file) == (entry.at, "somebody", subject)
    assert isinstance(shown.state, str) and isinstance(shown.sha256, str)
    assert shown.rows is None or isinstance(shown.rows, int)
    line = show_line(entry)
    assert isinstance(line, LogLine)
    assert all(isinstance(text, str) for pair in line.details for text in pair)
