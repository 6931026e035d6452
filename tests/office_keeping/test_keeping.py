"""New keys, archives and erasure, over a selection with people of every state."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from os import urandom
from pathlib import Path
from zipfile import ZipFile

import asyncpg
import pytest

from tests.contest_data import both
from tests.cut_data import MASTER_KEY, member
from tests.office.selection_data import BODIES, INDUSTRIES, SLUG
from tests.office_person.people import complete_form, id_number
from voting_service.accounts.model import Account
from voting_service.clock import system_clock
from voting_service.demo.embedded_postgres import OWNER, EmbeddedPostgres
from voting_service.errors import InvalidInput, Refused
from voting_service.office.keeping.archive import Archive, write_archive
from voting_service.office.keeping.erasing import erase
from voting_service.office.keeping.reseal import reseal
from voting_service.office.keeping.restoring import restore
from voting_service.office.keeping.sealed_columns import HASHES, SEALED
from voting_service.office.keeping.tables import SELECTIONS, belonging, load_tables
from voting_service.office.model import Selection, SelectionRules, Slot
from voting_service.office.recommendations.model import File
from voting_service.office.recommendations.reading import (
    load_file,
    load_recommendation,
    load_recommendations,
    load_reviews,
    load_submissions,
)
from voting_service.office.recommendations.store import attach_file, create_draft, review, submit
from voting_service.office.sealing import PersonalKeys
from voting_service.office.store import insert_body, insert_selection, load_bodies, load_selection
from voting_service.storage.postgres import Connection, connect

SOUTH = "South District"
NAMES = {11: "人选甲", 12: "人选乙", 13: "人选丙"}
NOT_PERSONAL = {("papers", "content"), ("certificates", "code")}
"""Columns of bytes that stand as they are: what is printed for the public."""
PHOTO = File("image/jpeg", 1, b"p" * 32, b"a photo's bytes")
EVIDENCE = File("application/pdf", 10, b"e" * 32, b"the evidence's bytes")


@pytest.fixture
async def owned(owner_database_url: str) -> AsyncIterator[Connection]:
    opened = await connect(owner_database_url)
    yield opened
    await opened.close()


@pytest.fixture
def keys() -> PersonalKeys:
    return PersonalKeys(MASTER_KEY, (b"1" * 32,))


@pytest.fixture
async def selection(owned: Connection, keys: PersonalKeys) -> Selection:
    return await filled(owned, keys)


async def filled(owned: Connection, keys: PersonalKeys) -> Selection:
    """One accepted, one returned, one draft."""
    now = system_clock()
    await insert_selection(
        owned,
        slug=SLUG,
        rules=SelectionRules(title=both("选树"), industries=INDUSTRIES),
        opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=9),
    )
    for slug, kind, name in BODIES:
        await insert_body(owned, slug, kind, name)  # type: ignore[arg-type]
    (_, south, *_) = await load_bodies(owned)
    officer, reviewer = await staff(owned, south.id)
    selection = await load_selection(owned, SLUG)
    for serial in (11, 12, 13):
        form = complete_form(id_number=id_number(serial=2 * serial + 1), name=NAMES[serial])
        made = await create_draft(owned, keys, selection, body=south, account=officer, form=form)
        slots: tuple[tuple[Slot, File], ...] = (("photo", PHOTO), ("evidence", EVIDENCE))
        for slot, file in slots:
            await attach_file(owned, keys, selection, made, slot=slot, file=file, account=officer)
        if serial == 13:
            continue
        loaded = await load_recommendation(owned, keys, selection, made)
        await submit(owned, keys, selection, loaded, officer, today=now.date())
        await review(
            owned, keys, made, verdict="accepted" if serial == 11 else "returned",
            reason=f"依据{serial}", account=reviewer,
        )  # fmt: skip
    return selection


async def staff(owned: Connection, body_id: int) -> tuple[Account, Account]:
    officer = await member(owned, "officer", "recommender")
    reviewer = await member(owned, "reviewer", "reviewer")
    await owned.execute(
        "insert into office.body_officers (account_id, body_id) values ($1, $2)",
        officer.id,
        body_id,
    )
    return officer, reviewer


async def everything(connection: Connection, keys: PersonalKeys, selection: Selection) -> object:
    """All that can be read of a selection, apart from numbers of accounts."""
    found = []
    for each in await load_recommendations(connection, keys, selection):
        files = [await load_file(connection, keys, each.id, slot) for slot in sorted(each.files)]
        found.append(
            (
                each.id, each.state, each.form, each.created_by, each.submitted_at, files,
                await load_submissions(connection, keys, selection, each),
                await load_reviews(connection, keys, each.id),
            )
        )  # fmt: skip
    return found


async def test_every_sealed_column_is_known(owned: Connection) -> None:
    tables = await load_tables(owned)
    named = {(each.table, each.column) for each in SEALED}
    open_ones = {
        (table.name, column)
        for table in tables
        for column, kind in table.types.items()
        if kind == "bytea" and column not in HASHES and (table.name, column) not in named
    }
    assert open_ones <= NOT_PERSONAL, "name it in sealed_columns.py"
    assert named <= {(table.name, column) for table in tables for column in table.columns}


async def test_every_table_is_a_selection_s_or_shared(owned: Connection) -> None:
    tables = {table.name for table in await load_tables(owned)}
    shared = tables - set(belonging(await load_tables(owned)))
    assert shared == {"bodies", "body_invitations", "body_officers", "expert_invitations"}
    assert SELECTIONS in tables


async def test_a_new_key_seals_everything_anew(
    owned: Connection, keys: PersonalKeys, selection: Selection
) -> None:
    before = await everything(owned, keys, selection)
    renewed = PersonalKeys(MASTER_KEY, (b"2" * 32, b"1" * 32))
    count = await reseal(owned, renewed, "tester")
    assert count == 3 + 2 + 6 + 2
    assert await reseal(owned, renewed, "tester") == 0
    without_old = PersonalKeys(MASTER_KEY, (b"2" * 32,))
    assert await everything(owned, without_old, selection) == before
    with pytest.raises(Refused, match="does not list"):
        await everything(owned, keys, selection)


async def test_the_application_cannot_open_the_guards(
    database: Connection, keys: PersonalKeys, selection: Selection
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reseal(database, keys, "tester")


async def test_an_archive_restores_elsewhere(
    owned: Connection,
    keys: PersonalKeys,
    selection: Selection,
    tmp_path: Path,
    postgres: EmbeddedPostgres,
    administrator: Connection,
) -> None:
    path, key = tmp_path / "selection.zip", urandom(32)
    await write_archive(owned, selection, keys, key, path, actor="tester", now=system_clock())
    with ZipFile(path) as whole:
        written = b"".join(whole.read(name) for name in whole.namelist())
    for secret in (SOUTH, "officer", "人选甲", id_number(serial=23), "依据11", "a photo's bytes"):
        assert secret.encode() not in written
    await postgres.create_database(administrator, "restored_elsewhere", template="voting_template")
    other = await connect(postgres.url(OWNER, "restored_elsewhere"))
    try:
        # Other numbers for accounts and bodies, other keys.
        await member(other, "somebody", "auditor")
        await insert_body(other, "extra", "district", both("另"))
        there = PersonalKeys(urandom(32))
        await restore(other, Archive(path, key), there, actor="tester")
        restored = await load_selection(other, SLUG)
        assert await everything(other, there, restored) == await everything(owned, keys, selection)
        hashes = await other.fetch("select person_hash from office.recommendations order by id")
        assert there.person_hash(id_number(serial=23)) == hashes[0]["person_hash"]
        assert await other.fetchval("select disabled from accounts where name = 'officer'")
        with pytest.raises(Refused, match="in use here"):
            await restore(other, Archive(path, key), there, actor="tester")
        with pytest.raises(asyncpg.CheckViolationError, match="stays"):
            await other.execute("delete from office.reviews")
    finally:
        await other.close()
        await administrator.execute('drop database "restored_elsewhere" with (force)')


async def test_a_changed_archive_is_refused(
    owned: Connection, keys: PersonalKeys, selection: Selection, tmp_path: Path
) -> None:
    path = tmp_path / "selection.zip"
    await write_archive(owned, selection, keys, b"k" * 32, path, actor="tester", now=system_clock())
    changed = tmp_path / "changed.zip"
    with ZipFile(path) as whole, ZipFile(changed, "w") as copy:
        for name in whole.namelist():
            content = whole.read(name)
            copy.writestr(name, content[:-9] if name == "reviews.jsonl" else content)
    with pytest.raises(InvalidInput, match=r"reviews\.jsonl: was changed"):
        Archive(changed, b"k" * 32)
    with pytest.raises(Refused, match="does not list"):
        next(Archive(path, b"l" * 32).rows("reviews"))
    (tmp_path / "none.zip").write_bytes(b"PK")
    with pytest.raises(InvalidInput, match="no archive"):
        Archive(tmp_path / "none.zip", b"k" * 32)


async def test_papers_are_erased_when_a_selection_is_long_over(
    owned: Connection, keys: PersonalKeys, selection: Selection
) -> None:
    now = system_clock()
    with pytest.raises(Refused, match="are kept until"):
        await erase(owned, selection, keys, "tester", now)
    erased = await erase(owned, selection, keys, "tester", now + timedelta(days=400))
    assert erased["files"] == 6
    assert await owned.fetchval("select count(*) from office.files") == 0
    for each in await load_recommendations(owned, keys, selection):
        assert each.form.name == each.form.id_number == ""
        assert each.state in {"accepted", "returned", "draft"}
        for handed_in in await load_submissions(owned, keys, selection, each):
            assert handed_in.form.name == ""
        assert {one.reason for one in await load_reviews(owned, keys, each.id)} <= {""}
    hashes = await owned.fetch("select person_hash from office.recommendations")
    assert all(row["person_hash"] is None for row in hashes)
    last = await owned.fetchrow("select act, contest from journal order by entry desc limit 1")
    assert last is not None and tuple(last) == ("personal_data_erased", SLUG)
