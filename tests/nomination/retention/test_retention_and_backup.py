"""Key rotation, archives and erasure of a selection with recommendations of every state."""

from __future__ import annotations

from datetime import timedelta
from os import urandom
from pathlib import Path
from zipfile import ZipFile

import asyncpg
import pytest

from tests.contest_data import both
from tests.cut_data import MASTER_KEY, member
from tests.nomination.form.people import complete_form, id_number
from tests.sites.nomination.bodies.selection_data import (
    BODIES,
    INDUSTRIES,
    SLUG,
    acting,
)
from voting_service.demo.embedded_postgres import OWNER, EmbeddedPostgres
from voting_service.errors import InvalidInput, Refused
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.nomination.backup.export import ArchiveFile, BackupArchive, write_archive
from voting_service.nomination.backup.restore import restore
from voting_service.nomination.model import (
    NewSelection,
    Selection,
    SelectionRules,
    Slot,
)
from voting_service.nomination.panel.conflicts import encrypt_reason, reason_label
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.model import File, Verdict
from voting_service.nomination.recommendations.repository import (
    load_recommendation,
    load_recommendations,
    load_reviews,
    load_submissions,
    load_submitted_file,
)
from voting_service.nomination.recommendations.service import (
    attach_file,
    create_draft,
    submit,
)
from voting_service.nomination.repository import (
    insert_body,
    insert_selection,
    load_bodies,
    load_selection,
)
from voting_service.nomination.retention.encrypted_columns import ENCRYPTED_COLUMNS, HASHES
from voting_service.nomination.retention.erase import erase
from voting_service.nomination.retention.operator import Operator
from voting_service.nomination.retention.rotate_keys import rotate_keys
from voting_service.nomination.retention.tables import (
    SELECTIONS,
    load_tables,
    owned_rows,
)
from voting_service.nomination.review.service import give_verdict
from voting_service.staff.accounts.model import Account

SOUTH = "South District"
NAMES = {11: "人选甲", 12: "人选乙", 13: "人选丙"}
NOT_PERSONAL = {("documents", "content"), ("certificates", "code")}
"""Binary columns that are not encrypted: what is printed for the public."""
PHOTO = File("image/jpeg", 1, b"p" * 32, b"a photo's bytes")
EVIDENCE = File("application/pdf", 10, b"e" * 32, b"the evidence's bytes")
STAMPED = File("application/pdf", 1, b"s" * 32, b"a stamped page's bytes")


@pytest.fixture
def keys() -> PersonalKeys:
    return PersonalKeys(MASTER_KEY, (b"1" * 32,))


@pytest.fixture
async def selection(owner: Connection, keys: PersonalKeys) -> Selection:
    return await filled(owner, keys)


async def filled(owner: Connection, keys: PersonalKeys) -> Selection:
    """One accepted, one returned, one draft."""
    now = system_clock()
    await insert_selection(
        owner,
        NewSelection(
            slug=SLUG,
            rules=SelectionRules(title=both("选树"), industries=INDUSTRIES),
            opens_at=now - timedelta(days=1),
            closes_at=now + timedelta(days=9),
        ),
    )
    for slug, kind, name in BODIES:
        await insert_body(owner, slug, kind, name)  # type: ignore[arg-type]
    (_, south, *_) = await load_bodies(owner)
    officer, reviewer = await staff(owner, south.id)
    selection = await load_selection(owner, SLUG)
    recommending = acting(officer, selection, keys, owner, now)
    reviewing = acting(reviewer, selection, keys, owner, now)
    for serial in (11, 12, 13):
        form = complete_form(id_number=id_number(serial=2 * serial + 1), name=NAMES[serial])
        made = await create_draft(recommending, south, form)
        slots: tuple[tuple[Slot, File], ...] = (
            ("photo", PHOTO),
            ("evidence", EVIDENCE),
            ("employer_scan", STAMPED),
            ("body_scan", STAMPED),
        )
        for slot, file in slots:
            await attach_file(recommending, made, slot, file)
        if serial == 13:
            continue
        loaded = await load_recommendation(owner, keys, selection, made)
        await submit(recommending, loaded)
        verdict: Verdict = "accepted" if serial == 11 else "returned"
        await give_verdict(reviewing, made, verdict, f"依据{serial}")
    return selection


async def staff(owner: Connection, body_id: int) -> tuple[Account, Account]:
    officer = await member(owner, "officer", "recommender")
    reviewer = await member(owner, "reviewer", "reviewer")
    await owner.execute(
        "insert into nomination.body_officers (account_id, body_id) values ($1, $2)",
        officer.id,
        body_id,
    )
    return officer, reviewer


def operator(connection: Connection, keys: PersonalKeys) -> Operator:
    """A person at a terminal, now."""
    return Operator(connection, keys, "tester", system_clock())


async def everything(connection: Connection, keys: PersonalKeys, selection: Selection) -> object:
    """Everything of a selection except the numbers of accounts."""
    result = []
    for recommendation in await load_recommendations(connection, keys, selection):
        files = [
            await load_submitted_file(connection, keys, recommendation.id, slot)
            for slot in sorted(recommendation.files)
        ]
        result.append(
            (
                recommendation.id, recommendation.state, recommendation.form,
                recommendation.created_by, recommendation.submitted_at, files,
                await load_submissions(connection, keys, selection, recommendation),
                await load_reviews(connection, keys, recommendation.id),
            )
        )  # fmt: skip
    return result


async def test_every_encrypted_column_is_listed(owner: Connection) -> None:
    tables = await load_tables(owner)
    named = {(item.table, item.column) for item in ENCRYPTED_COLUMNS}
    open_ones = {
        (table.name, column)
        for table in tables
        for column, kind in table.types.items()
        if kind == "bytea" and column not in HASHES and (table.name, column) not in named
    }
    assert open_ones <= NOT_PERSONAL, "name it in encrypted_columns.py"
    assert named <= {(table.name, column) for table in tables for column in table.columns}


async def test_every_table_is_a_selection_s_or_shared(owner: Connection) -> None:
    tables = {table.name for table in await load_tables(owner)}
    shared = tables - set(owned_rows(await load_tables(owner)))
    assert shared == {"bodies", "body_invitations", "body_officers", "expert_invitations"}
    assert SELECTIONS in tables


async def test_a_new_key_encrypts_everything_again(
    owner: Connection, keys: PersonalKeys, selection: Selection
) -> None:
    before = await everything(owner, keys, selection)
    renewed = PersonalKeys(MASTER_KEY, (b"2" * 32, b"1" * 32))
    count = await rotate_keys(operator(owner, renewed))
    assert count == 3 + 2 + 12 + 2
    assert await rotate_keys(operator(owner, renewed)) == 0
    without_old = PersonalKeys(MASTER_KEY, (b"2" * 32,))
    assert await everything(owner, without_old, selection) == before
    with pytest.raises(Refused, match="does not list"):
        await everything(owner, keys, selection)


async def test_the_application_cannot_disable_triggers(
    database: Connection, keys: PersonalKeys, selection: Selection
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await rotate_keys(operator(database, keys))


async def test_an_archive_restores_elsewhere(
    owner: Connection,
    keys: PersonalKeys,
    selection: Selection,
    tmp_path: Path,
    postgres: EmbeddedPostgres,
    administrator: Connection,
) -> None:
    path, key = tmp_path / "selection.zip", urandom(32)
    await write_archive(operator(owner, keys), selection, ArchiveFile(path, key))
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
        await restore(operator(other, there), BackupArchive(path, key))
        restored = await load_selection(other, SLUG)
        assert await everything(other, there, restored) == await everything(owner, keys, selection)
        hashes = await other.fetch("select person_hash from nomination.recommendations order by id")
        assert there.person_hash(id_number(serial=23)) == hashes[0]["person_hash"]
        assert await other.fetchval("select disabled from accounts where name = 'officer'")
        with pytest.raises(Refused, match="in use here"):
            await restore(operator(other, there), BackupArchive(path, key))
        with pytest.raises(asyncpg.CheckViolationError, match="stays"):
            await other.execute("delete from nomination.reviews")
    finally:
        await other.close()
        await administrator.execute('drop database "restored_elsewhere" with (force)')


async def test_a_changed_archive_is_refused(
    owner: Connection, keys: PersonalKeys, selection: Selection, tmp_path: Path
) -> None:
    path = tmp_path / "selection.zip"
    await write_archive(operator(owner, keys), selection, ArchiveFile(path, b"k" * 32))
    changed = tmp_path / "changed.zip"
    with ZipFile(path) as whole, ZipFile(changed, "w") as copy:
        for name in whole.namelist():
            content = whole.read(name)
            copy.writestr(name, content[:-9] if name == "reviews.jsonl" else content)
    with pytest.raises(InvalidInput, match=r"reviews\.jsonl: was changed"):
        BackupArchive(changed, b"k" * 32)
    with pytest.raises(Refused, match="does not list"):
        next(BackupArchive(path, b"l" * 32).rows("reviews"))
    (tmp_path / "none.zip").write_bytes(b"PK")
    with pytest.raises(InvalidInput, match="is not an archive"):
        BackupArchive(tmp_path / "none.zip", b"k" * 32)


async def test_personal_data_is_erased_a_year_after_the_close(
    owner: Connection, keys: PersonalKeys, selection: Selection
) -> None:
    later = operator(owner, keys)._replace(now=system_clock() + timedelta(days=400))
    expert: int = await owner.fetchval(
        "insert into nomination.experts (account_id, selection_id, employer)"
        " select max(id), $1, 'an employer' from accounts returning account_id",
        selection.id,
    )
    await owner.execute("alter table nomination.panel_conflicts disable trigger user")
    await owner.execute(
        "insert into nomination.panel_conflicts (account_id, number, ground, reason)"
        " values ($1, 9, 'declared', $2)",
        expert,
        encrypt_reason(keys, expert, 9, "师徒"),
    )
    await owner.execute("alter table nomination.panel_conflicts enable trigger user")
    with pytest.raises(Refused, match="are kept until"):
        await erase(operator(owner, keys), selection)
    erased = await erase(later, selection)
    assert erased["files"] == 12
    assert await owner.fetchval("select count(*) from nomination.files") == 0
    for recommendation in await load_recommendations(owner, keys, selection):
        assert recommendation.form.name == recommendation.form.id_number == ""
        assert recommendation.state in {"accepted", "returned", "draft"}
        for submitted in await load_submissions(owner, keys, selection, recommendation):
            assert submitted.form.name == ""
        assert {review.reason for review in await load_reviews(owner, keys, recommendation.id)} <= {
            ""
        }
    emptied = await owner.fetchval("select reason from nomination.panel_conflicts")
    assert keys.decrypt(reason_label(expert, 9), emptied) == b""
    hashes = await owner.fetch("select person_hash from nomination.recommendations")
    assert all(row["person_hash"] is None for row in hashes)
    last = await owner.fetchrow("select act, contest from audit_log order by entry desc limit 1")
    assert last is not None and tuple(last) == ("personal_data_erased", SLUG)
