"""What staff take away: complete, safe in a spreadsheet, and every time in the audit log."""

from __future__ import annotations

import asyncio
import csv
import html
import io
import json
import re
import tracemalloc
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

import httpx
import openpyxl
import pytest

from tests.contest_data import store_platform
from tests.cut_data import OPENS
from tests.patience import eventually
from tests.sites.console.running_staff_app import StaffApp
from tests.voting.tally.cast_ballots import (
    Cast,
    Field,
    open_field,
)
from voting_service.infrastructure.postgres.connection_budget import LONG_CONNECTIONS
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.sites.console.exports import recorded_download, views
from voting_service.sites.console.exports.formats import (
    Cell,
    ExportTable,
    csv_pieces,
    xlsx_pieces,
)
from voting_service.sites.console.exports.recorded_download import (
    DownloadProgress,
    RecordedDownload,
)
from voting_service.sites.console.exports.rows import ROW_EXPORTS
from voting_service.staff.accounts.sessions import CONFIRMED_FOR
from voting_service.staff.audit_log.verification import check_chain

SLUG = "field"
BASE = f"/contests/{SLUG}/exports"
EVIL = "=HYPERLINK(1)"


@pytest.fixture
async def field(staff_app: StaffApp) -> Field:
    made = await open_field(staff_app.database, SLUG)
    platform = await store_platform(staff_app.database, "alpha")
    await made.add(
        staff_app.database,
        [
            *(Cast([1, 3], OPENS + timedelta(seconds=n), platform) for n in range(20)),
            *(Cast([2], OPENS + timedelta(hours=1), platform, held=True) for _ in range(4)),
            *(Cast([4], OPENS + timedelta(hours=1), platform, network=b"network1") for _ in "ab"),
        ],
    )
    hold = await made.hold(
        staff_app.database, made.cast[:5], OPENS + timedelta(hours=2), label=EVIL
    )
    await made.rule(staff_app.database, hold, "void", OPENS + timedelta(hours=3))
    await staff_app.refresh()
    return made


async def exported(database: Connection) -> list[dict[str, Any]]:
    rows = await database.fetch(
        "select actor, contest, subject, details::text as details from audit_log"
        " where act = 'exported' order by entry"
    )
    return [{**row, **json.loads(row["details"])} for row in rows]


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def expected_ballots(field: Field) -> list[tuple[str, str, str]]:
    return sorted(
        (b.ballot_id.hex(), "|".join(map(str, b.choices)), field.state(b)) for b in field.cast
    )


def seen_ballots(rows: Sequence[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Without the mark of ids that a spreadsheet would take for numbers."""
    return [(row["ballot_id"].removeprefix("'"), row["choices"], row["state"]) for row in rows]


async def test_ballots_in_every_format_say_the_same(staff_app: StaffApp, field: Field) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    as_csv = await clerk.get(f"{BASE}/ballots?format=csv")
    assert seen_ballots(csv_rows(as_csv.content)) == expected_ballots(field)
    as_lines = await clerk.get(f"{BASE}/ballots?format=jsonl")
    objects = [json.loads(line) for line in as_lines.content.splitlines()]
    assert seen_ballots(objects) == expected_ballots(field)
    assert objects[0]["cast_at"] == "2022-07-01T08:00:00+08:00"
    assert {first["network"] for first in objects} == {None, b"network1".hex()}
    as_xlsx = await clerk.get(f"{BASE}/ballots?format=xlsx")
    sheet: Any = openpyxl.load_workbook(io.BytesIO(as_xlsx.content)).active
    first, *body = sheet.values
    assert first[:3] == ("Ballot", "Cast at", "Period")
    head = objects[0].keys()
    rows = [dict(zip(head, row, strict=True)) for row in body]
    for row in rows:
        row["state"] = row["state"].lower()
    assert seen_ballots(rows) == expected_ballots(field)
    assert rows[0]["cast_at"] == "2022-07-01 08:00:00"
    name = as_csv.headers["content-disposition"]
    assert re.fullmatch(
        r"attachment; filename=\"[^\"]*Ballots \(pseudonymous\)-[0-9-]{17}\.csv\".*", name
    ), name
    assert as_csv.content.startswith(b"\xef\xbb\xbf")
    assert as_csv.headers["cache-control"] == "no-store"
    lines = await exported(staff_app.database)
    assert [(line["state"], line["format"], line.get("rows")) for line in lines] == [
        ("begun", "csv", None), ("completed", "csv", 26),
        ("begun", "jsonl", None), ("completed", "jsonl", 26),
        ("begun", "xlsx", None), ("completed", "xlsx", 26),
    ]  # fmt: skip
    for answer, line in zip((as_csv, as_lines, as_xlsx), lines[1::2], strict=True):
        assert line["sha256"] == sha256(answer.content).hexdigest()
        assert line["bytes"] == len(answer.content)
        assert (line["actor"], line["contest"]) == ("tally_clerk-1", SLUG)
        assert line["subject"].startswith(f"{SLUG}-ballots-")
    assert (await check_chain(staff_app.database))[1] == []


async def test_everything_else_there_is(staff_app: StaffApp, field: Field) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    tally = csv_rows((await auditor.get(f"{BASE}/tally?format=csv&by=candidate")).content)
    votes = field.count(lambda b: b.choices)
    assert {int(row["candidate"]): int(row["net"]) for row in tally if int(row["gross"])} == {
        number: count.net for number, count in votes.items()
    }
    by_hour = (await auditor.get(f"{BASE}/tally?format=json&by=hour&by=platform")).json()
    assert by_hour["by"] == ["platform", "hour"]
    assert sum(row["void"] for row in by_hour["rows"]) == 5
    rulings = (await auditor.get(f"{BASE}/rulings?format=json")).json()
    assert [(r["hold"], r["verdict"], r["proposed_by"], r["approved_by"]) for r in rulings] == [
        (1, "void", "one", "two")
    ]
    holds = csv_rows((await auditor.get(f"{BASE}/holds?format=csv")).content)
    assert [(row["ballots"], row["state"], row["label"]) for row in holds] == [
        ("5", "void", f"'{EVIL}")
    ]
    assert (await auditor.get(f"{BASE}/holds?format=json")).json()[0]["label"] == EVIL
    decisions = csv_rows((await auditor.get(f"{BASE}/approvals")).content)
    assert [(row["kind"], row["state"]) for row in decisions] == [("ruling", "approved")]
    archive = await auditor.get(f"{BASE}/archive")
    with ZipFile(io.BytesIO(archive.content)) as opened:
        assert opened.testzip() is None
    assert (await auditor.get(f"{BASE}/report")).content.startswith(b"%PDF")
    audit_log = (await auditor.get(f"{BASE}/audit-log")).content.splitlines()
    assert json.loads(audit_log[-1])["act"] == "exported"
    ends = [line for line in await exported(staff_app.database) if line["state"] != "begun"]
    assert [line["state"] for line in ends] == ["completed"] * 9
    assert ends[-1]["rows"] == len(audit_log)
    page = await auditor.get(BASE)
    assert ends[-1]["sha256"] in page.text
    assert page.text.count("completed") == 9


@pytest.mark.parametrize("spoken", ["zh", "en"])
async def test_workbooks_are_in_the_reader_s_words(
    staff_app: StaffApp, field: Field, spoken: str
) -> None:
    token = await staff_app.token("auditor")
    reader = staff_app.client(token, **{"accept-language": spoken})
    seen: dict[str, list[dict[str, Any]]] = {}
    for name, columns in ((name, export.columns) for name, export in ROW_EXPORTS.items()):
        answer = await reader.get(f"{BASE}/{name}?format=xlsx")
        sheet: Any = openpyxl.load_workbook(io.BytesIO(answer.content)).active
        heading, *rows = sheet.values
        assert not {*heading} & {*columns}, "no column has the name that programs know it by"
        assert not any(str(cell)[:1] in {"{", "["} for row in rows for cell in row)
        what = {"zh": "存疑选票批次", "en": "Holds"}[spoken]
        saved = unquote(answer.headers["content-disposition"])
        assert (what in saved) == (name == "holds")
        seen[name] = [dict(zip(heading, row, strict=True)) for row in rows]
    (hold,), (ruling,), (approval,) = seen["holds"], seen["rulings"], seen["approvals"]
    if spoken == "zh":
        assert (hold["种类"], hold["依据"], hold["名称"]) == ("异常投票", "测试", EVIL)
        assert (ruling["裁定"], ruling["提请人"]) == ("作废", "one")
        assert approval["现状态"] == "已批准"
        assert "one" not in approval["事项"]
    else:
        assert (hold["Evidence"], ruling["Ruling"]) == ("test", "void")


async def test_who_may_take_what(staff_app: StaffApp, field: Field) -> None:
    stranger = await staff_app.client().get(f"{BASE}/ballots")
    assert stranger.status_code == 303
    reviewer = await staff_app.signed_in_client("reviewer")
    administrator = await staff_app.signed_in_client("administrator")
    clerk = await staff_app.signed_in_client("tally_clerk")
    for client in (reviewer, administrator):
        for path in ("", "/tally", "/ballots", "/rulings", "/report", "/archive", "/audit-log"):
            assert (await client.get(BASE + path)).status_code == 403
    assert (await clerk.get(f"{BASE}/audit-log")).status_code == 403
    assert f'href="{BASE}/audit-log"' not in (await clerk.get(BASE)).text
    staff_app.clock.offset += CONFIRMED_FOR + timedelta(seconds=1)
    later = await clerk.get(f"{BASE}/ballots?format=csv")
    assert later.status_code == 303
    assert later.headers["location"].startswith("/confirm?next=/contests/")
    answer = await clerk.get(f"{BASE}/ballots", headers={"accept": "*/*"})
    assert answer.status_code in {401, 403}
    assert await exported(staff_app.database) == []


async def test_a_confirmed_download_begins_and_leads_back(
    staff_app: StaffApp, field: Field
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    staff_app.clock.offset += CONFIRMED_FOR + timedelta(seconds=1)
    link, here = f"{BASE}/ballots?format=csv", {"referer": f"{staff_app.origin}{BASE}"}
    question = await clerk.get((await clerk.get(link)).headers["location"], headers=here)
    assert "the download then starts by itself" in question.text
    fields = dict(
        re.findall(r'type="hidden" name="(next|back|download)" value="([^"]*)"', question.text)
    )
    assert (html.unescape(fields["next"]), fields["back"]) == (link, BASE)
    wrong = await clerk.post("/confirm", data={**fields, "proof": "nothing"})
    assert (wrong.status_code, 'name="download"' in wrong.text) == (401, True)
    staff_app.clock.offset += timedelta(minutes=1)
    fields["next"] = html.unescape(fields["next"])
    proof = {"proof": staff_app.code("tally_clerk-1")}
    done = await clerk.post("/confirm", data={**fields, **proof})
    page = (await clerk.get(done.headers["location"])).text
    assert f'http-equiv="refresh" content="0; url={link}"' in page
    assert f'href="{link}"' in page
    assert f'href="{BASE}"' in page
    assert (await clerk.get(link)).status_code == 200


async def test_odd_wishes_are_refused_and_looking_costs_nothing(
    staff_app: StaffApp, field: Field
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    for path, status in (
        ("/ballots?format=exe", 422),
        ("/tally?by=voter", 422),
        ("/everything", 404),
        ("/../../nowhere/exports/ballots", 404),
    ):
        assert (await clerk.get(BASE + path)).status_code == status, path
    assert (await clerk.head(f"{BASE}/ballots")).status_code == 200
    assert await exported(staff_app.database) == []
    other = await clerk.get(f"/contests/{staff_app.contest.slug}/exports/ballots?format=jsonl")
    assert other.content == b""


async def test_a_broken_download_ends_the_query_and_is_recorded(
    staff_app: StaffApp, field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client leaves in the middle of a query that would take a minute."""

    async def pieces(
        connection: Connection, progress: DownloadProgress
    ) -> AsyncGenerator[bytes, None]:
        progress.saw_rows(7)
        yield b"x" * recorded_download.PIECE_BYTES
        await connection.execute("select pg_sleep(60)")
        yield b"never"

    monkeypatch.setattr(views, "_rows", lambda *_: pieces)
    clerk = await staff_app.signed_in_client("tally_clerk")
    async with clerk.stream("GET", f"{BASE}/ballots") as answer:
        received = answer.aiter_bytes()  # dropped, it would close the connection
        await anext(received)
        await eventually(lambda: running(staff_app, "pg_sleep"))
    lines = await wait_for_end(staff_app)
    assert (lines[-1]["state"], lines[-1]["rows"]) == ("broken off", 7)
    assert lines[-1]["bytes"] == recorded_download.PIECE_BYTES

    async def over() -> bool:
        return not await running(staff_app, "pg_sleep")

    await eventually(over)


async def running(staff_app: StaffApp, words: str) -> bool:
    """Whether a statement with these words runs."""
    count: int = await staff_app.database.fetchval(
        "select count(*) from pg_stat_activity where state = 'active'"
        " and pid <> pg_backend_pid() and query like '%' || $1 || '%'",
        words,
    )
    return count > 0


async def wait_for_end(staff_app: StaffApp) -> list[dict[str, Any]]:
    async def ended() -> bool:
        return bool((await exported(staff_app.database))[-1]["state"] != "begun")

    await eventually(ended)
    return await exported(staff_app.database)


async def test_a_failure_in_the_middle_breaks_the_connection(
    staff_app: StaffApp, field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pieces(
        connection: Connection, _progress: DownloadProgress
    ) -> AsyncGenerator[bytes, None]:
        yield b"x" * recorded_download.PIECE_BYTES
        await connection.execute("select 1 / 0")

    monkeypatch.setattr(views, "_rows", lambda *_: pieces)
    clerk = await staff_app.signed_in_client("tally_clerk")
    with pytest.raises(httpx.RemoteProtocolError):
        await clerk.get(f"{BASE}/ballots")
    assert (await wait_for_end(staff_app))[-1]["state"] == "failed"


async def test_too_many_at_once_are_asked_to_wait(staff_app: StaffApp, field: Field) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    async with AsyncExitStack() as busy:
        for _ in range(LONG_CONNECTIONS):
            await busy.enter_async_context(staff_app.state.long_connection(1))
        answer = await clerk.get(f"{BASE}/holds")
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert await exported(staff_app.database) == []
    assert (await clerk.get(f"{BASE}/holds")).status_code == 200


async def many_rows(count: int) -> AsyncGenerator[list[tuple[Cell, ...]], None]:
    for begin in range(0, count, 2000):
        yield [("a" * 32, n, None) for n in range(begin, begin + 2000)]


@pytest.mark.parametrize(("pieces", "count"), [(csv_pieces, 100_000), (xlsx_pieces, 30_000)])
async def test_memory_stays_small_however_many_rows(pieces: Any, count: int) -> None:
    tracemalloc.start()
    try:
        size = 0
        async for piece in pieces(ExportTable(("a", "b", "c"), many_rows(count))):
            size += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 250_000
    assert peak < 4_000_000


async def test_a_full_sheet_goes_on_on_the_next() -> None:
    table = ExportTable(("a", "b", "c"), many_rows(4000))
    content = b"".join([piece async for piece in xlsx_pieces(table, sheet_rows=1500)])
    sheets = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    assert [sheet.max_row for sheet in sheets] == [1500, 1500, 1003]
    assert [row[1] for sheet in sheets for row in sheet.values if row[1] != "b"] == list(
        range(4000)
    )


async def test_the_time_of_a_download_is_bounded(
    staff_app: StaffApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded_download, "WHOLE_SECONDS", 0.05)

    async def pieces(
        connection: Connection, _progress: DownloadProgress
    ) -> AsyncGenerator[bytes, None]:
        await connection.execute("select pg_sleep(60)")
        yield b"never"

    slow = RecordedDownload(
        staff_app.state, actor="one", contest="test-2022", shown_name="export.csv",
        file_name="x.csv", media_type="text/csv",
        details={}, pieces=pieces,
    )  # fmt: skip
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def receive() -> Any:
        await asyncio.Event().wait()

    with pytest.raises(Exception, match="too long"):
        await slow({"type": "http", "method": "GET"}, receive, send)
    assert sent == ["http.response.start"]
    assert (await exported(staff_app.database))[-1]["state"] == "broken off"


def test_no_file_is_named_past_the_one_place_that_names_files() -> None:
    """Downloads are named in the reader's language, and fit for every file system."""
    sites = Path(views.__file__).parents[2]
    own = {
        path.relative_to(sites).as_posix()
        for path in sites.rglob("*.py")
        if 'filename="' in path.read_text(encoding="utf-8")
    }
    # A receipt's name is the end of its number, in ASCII.
    assert own == {"shared/downloads.py", "public/pages/receipt_views.py"}
