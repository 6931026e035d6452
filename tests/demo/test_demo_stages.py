"""A nomination run up to its result; no personal data leaves it."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from pydantic import SecretBytes
from pypdf import PdfReader
from structlog.testing import capture_logs

from tests.browser.serving import serving
from tests.patience import PATIENCE_SECONDS
from tests.sites.public.api.running_service import MovedClock
from voting_service.demo.contents import load_contents
from voting_service.demo.data_folder import DataFolder
from voting_service.demo.embedded_postgres import (
    APPLICATION,
    OWNER,
    EmbeddedPostgres,
)
from voting_service.demo.nomination import (
    DRAFTS,
    RECOMMENDED,
    SLUG,
)
from voting_service.demo.placeholder_people import form
from voting_service.errors import Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.nomination.backup.export import ArchiveFile, BackupArchive, write_archive
from voting_service.nomination.backup.restore import restore
from voting_service.nomination.model import RecommendingBody
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.repository import load_selection
from voting_service.nomination.retention.operator import Operator
from voting_service.nomination.retention.tables import load_tables, owned_rows
from voting_service.nomination.review.repository import load_submitted_recommendations
from voting_service.settings import Settings
from voting_service.sites.public.app import create_app as create_public
from voting_service.sites.public.overload import PublicHttpProtocol
from voting_service.sites.staff_app import create_app as create_internal
from voting_service.staff.accounts.model import Account
from voting_service.staff.accounts.repository import load_accounts
from voting_service.staff.accounts.sessions import open_session
from voting_service.staff.accounts.sign_in import know_password

NAME = "demo_result"
MAX_PAGES = 700


@dataclass
class Finished:
    """The demo's database at its last stage."""

    settings: Settings
    data: DataFolder
    database: Connection
    printed: list[str]


@pytest.fixture(scope="module")
async def finished(
    postgres: EmbeddedPostgres,
    administrator: Connection,
    valkey: object,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Finished]:
    await postgres.create_database(administrator, NAME, template="voting_template")
    data = DataFolder(tmp_path_factory.mktemp("demo") / "data")
    data.path.mkdir()
    data.ensure_keys()
    owner = await connect(postgres.url(OWNER, NAME))
    shown: list[str] = []
    assert await load_contents(owner, data, system_clock, stage="award", echo=shown.append)
    await owner.close()
    settings = Settings(
        database_url=postgres.url(APPLICATION, NAME),
        owner_database_url=postgres.url(OWNER, NAME),
        valkey_url=valkey.url,  # type: ignore[attr-defined]
        master_key=SecretBytes(data.master_key),
        signing_key_file=data.signing_key_file,
        workers=1,
    )
    database = await connect(settings.database_url)
    yield Finished(settings, data, database, shown)
    await database.close()
    await administrator.execute(f'drop database "{NAME}" with (force)')


async def test_a_selection_is_carried_through_to_its_result(finished: Finished) -> None:
    database = finished.database
    rows = await database.fetch(
        "select state, count(*) as count from nomination.recommendations group by state"
    )
    assert {row["state"]: row["count"] for row in rows} == {
        "accepted": 135,
        "draft": 3,
        "rejected": 15,
    }
    assert finished.printed[0] == "  officers recommend"
    for query, expected in (
        ("select count(*) from nomination.shortlist_entries where number between 1 and 50", 50),
        ("select count(*) from candidates", 50),
        ("select count(*) from nomination.panel_sheets", 6),
        ("select count(*) from nomination.awards where award = 'winner'", 10),
        ("select count(*) from nomination.awards where award = 'nominee'", 10),
        ("select count(*) from nomination.earlier_winners", 10),
        ("select count(*) from publications", 1),
        ("select count(*) from approval_requests where approved_by is null", 0),
        ("select count(*) from approval_requests where approved_by = proposed_by", 0),
    ):
        assert await database.fetchval(query) == expected, query


async def test_a_folder_holds_one_stage(finished: Finished) -> None:
    again = await load_contents(finished.database, finished.data, system_clock, stage="award")
    assert again is False
    with pytest.raises(Refused, match="another stage"):
        await load_contents(finished.database, finished.data, system_clock, stage="review")
    half = DataFolder(finished.data.path.parent / "half")
    with pytest.raises(Refused, match="did not finish"):
        await load_contents(finished.database, half, system_clock)


async def test_its_archive_restores_elsewhere(
    finished: Finished, postgres: EmbeddedPostgres, administrator: Connection, tmp_path: Path
) -> None:
    path, key, keys = tmp_path / "whole.zip", b"k" * 32, PersonalKeys.of(finished.settings)
    owner = await connect(finished.settings.migration_url)
    selection = await load_selection(owner, SLUG)
    operator = Operator(owner, keys, "tester", system_clock())
    await write_archive(operator, selection, ArchiveFile(path, key))
    await postgres.create_database(administrator, "demo_elsewhere", template="voting_template")
    other = await connect(postgres.url(OWNER, "demo_elsewhere"))
    try:
        there = PersonalKeys(b"m" * 32)
        await restore(Operator(other, there, "tester", system_clock()), BackupArchive(path, key))
        for table in owned_rows(await load_tables(owner)):
            count = f'select count(*) from nomination."{table}"'
            assert await other.fetchval(count) == await owner.fetchval(count), table
        query = (
            "select payload_hash from approval_requests where selection_id is not null order by id"
        )
        assert await other.fetch(query) == await owner.fetch(query)
        restored = await load_selection(other, SLUG)
        assert len(await load_submitted_recommendations(other, there, restored)) == RECOMMENDED
    finally:
        await other.close()
        await owner.close()
        await administrator.execute('drop database "demo_elsewhere" with (force)')


# Nothing personal leaves


@dataclass
class Secrets:
    """Personal data on the forms; numbers in the order of submission, drafts last."""

    numbers: Mapping[int, str]
    contacts: tuple[str, ...]

    def found_in(self, text: str, but: Iterable[int] = ()) -> set[str]:
        plain = re.sub(r"[\s\-]", "", text)
        own = set(but)
        numbers = {text for number, text in self.numbers.items() if number not in own}
        return {secret for secret in numbers if secret in plain} | {
            secret for secret in self.contacts if not own and secret in plain
        }


@pytest.fixture(scope="module")
def secrets() -> Secrets:
    today = system_clock().date()
    body = RecommendingBody(1, "north", "department", Text("单位", "Body"))
    forms = {number: form(number, today, body) for number in range(1, RECOMMENDED + DRAFTS + 1)}
    first = forms[1]
    address = first.employer_address.removeprefix("重庆市")
    return Secrets(
        {number: item.id_number for number, item in forms.items()},
        (first.employer_telephone.replace("-", ""), address, first.employer_contact),
    )


async def crawl(client: httpx.AsyncClient, start: Iterable[str]) -> dict[str, str]:
    """Return the text of every page reachable by links, by address."""
    waiting, seen = list(start), dict[str, str]()
    while waiting:
        path = waiting.pop()
        if path in seen or re.search(r"/language/|/static/|/pictures/|events$|sign-out", path):
            continue
        assert len(seen) < MAX_PAGES, "the crawl does not end"
        answer = await client.get(path)
        kind = answer.headers.get("content-type", "")
        if kind.startswith("application/pdf"):
            pages = PdfReader(io.BytesIO(answer.content)).pages
            seen[path] = "\n".join(page.extract_text() for page in pages)
            continue
        seen[path] = answer.text + str(answer.headers)
        origin = str(client.base_url)
        links = re.findall(r'(?:href|src|action)="([^"#]+)', answer.text)
        for link in (*links, answer.headers.get("location", "")):
            target = urlsplit(urljoin(origin + path, link.replace("&amp;", "&")))
            if link and f"{target.scheme}://{target.netloc}" == origin.rstrip("/"):
                waiting.append(target.path + (f"?{target.query}" if target.query else ""))
    return seen


async def account_named(database: Connection, name: str) -> Account:
    return next(account for account in await load_accounts(database) if account.name == name)


async def get_browser(finished: Finished, origin: str, name: str) -> httpx.AsyncClient:
    account = await account_named(finished.database, name)
    (login,) = (login for login in finished.data.staff() if login.name == name)
    person = await know_password(finished.database, account, login.password)
    token = await open_session(finished.database, person, "127.0.0.0/24", system_clock())
    return httpx.AsyncClient(
        base_url=origin,
        cookies={"staff": token},
        headers={"accept": "text/html"},
        timeout=PATIENCE_SECONDS,
    )


async def test_no_number_telephone_or_address_leaves(
    finished: Finished, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("voting_service.sites.staff_app", "voting_service.sites.public.app"):
        monkeypatch.setattr(f"{module}.configure_logs", lambda _level: None)
    database = finished.database
    with capture_logs() as logged:
        async with (
            serving(
                create_public(finished.settings, MovedClock()),
                lifespan="on",
                http=PublicHttpProtocol,
            ) as (_, origin),
            httpx.AsyncClient(base_url=origin, timeout=PATIENCE_SECONDS) as citizen,
        ):
            public = await crawl(
                citizen,
                ("/", f"/zh/{SLUG}", f"/en/{SLUG}/result", f"/zh/notices/{SLUG}-shortlist",
                 f"/api/v1/contests/{SLUG}", f"/api/v1/contests/{SLUG}/candidates",
                 f"/api/v1/contests/{SLUG}/cut", "/openapi.json", "/metrics", "/nowhere"),
            )  # fmt: skip
        async with serving(create_internal(finished.settings), lifespan="on") as (_, origin):
            expert = await get_browser(finished, origin, "expert-2")
            panel = await crawl(expert, ("/selections", f"/selections/{SLUG}/panel"))
            officer = await get_browser(finished, origin, "officer-yuzhong")
            own = await crawl(officer, ("/selections", f"/selections/{SLUG}/recommendations"))
            stranger = await officer.get(f"/selections/{SLUG}/recommendations/1")
            for browser in (expert, officer):
                await browser.aclose()
    assert len(public) > 100 and len(panel) > 5 and len(own) > 5
    for seen in (public, panel):
        for path, text in seen.items():
            assert not secrets.found_in(text), path
    rows = await database.fetch(
        "select b.slug, r.id from nomination.recommendations r join nomination.bodies b "
        "on b.id = r.body_id order by r.state = 'draft', r.id"
    )
    mine = [place for place, row in enumerate(rows, 1) if row["slug"] == "yuzhong"]
    first = next(place for place, row in enumerate(rows, 1) if row["id"] == 1)
    assert any(secrets.numbers[mine[0]] in text for text in own.values()), "they may see their own"
    for path, text in own.items():
        assert not secrets.found_in(text, but=mine), path
    assert first not in mine and stranger.status_code == 404
    assert not secrets.found_in(stranger.text)
    assert not secrets.found_in(str(logged))
    audit_log = await database.fetch("select actor, act, subject, details::text from audit_log")
    assert len(audit_log) > 500
    assert not secrets.found_in(str(audit_log))
    assert not secrets.found_in(str(await database.fetch("select payload from approval_requests")))
