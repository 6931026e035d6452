"""Documents as background jobs: killed processes, late results, and the page of all jobs."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page

from tests.browser.accessibility import assert_accessible
from tests.jobs.queue_workers import document_context, document_worker
from tests.patience import eventually
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.panel.panel_data import DOCUMENTS
from voting_service.nomination.awards.render_jobs import DOCUMENT_JOBS
from voting_service.staff.jobs.model import JobContext

FORM = {"kind": "report", "language": "zh"}


async def wait_for(staff_app: StaffApp, condition: str, job_id: int = 1) -> None:
    """Wait until the job meets a condition of SQL."""

    async def is_met() -> bool:
        exists: bool = await staff_app.database.fetchval(
            f"select {condition} from nomination.documents where id = $1", job_id
        )
        return exists

    await eventually(is_met)


async def state(client: StaffClient, job_id: int = 1) -> str:
    states = (await client.get(f"{DOCUMENTS}/progress.json")).json()
    return str(states[str(job_id)][0])


@asynccontextmanager
async def hanging_worker(staff_app: StaffApp) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that takes a document and never finishes it."""
    settings = staff_app.settings
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("VOTING_")},
        "VOTING_DATABASE_URL": settings.database_url,
        "VOTING_VALKEY_URL": settings.valkey_url,
        "VOTING_MASTER_KEY": b64encode(settings.master_key.get_secret_value()).decode(),
        "VOTING_SIGNING_KEY_FILE": str(settings.signing_key_file),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.jobs.hanging_worker", env=environment
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def context(staff_app: StaffApp) -> AsyncIterator[JobContext]:
    async with document_context(staff_app) as opened:
        yield opened


async def test_a_document_of_a_killed_process_is_taken_up_again(
    staff_app: StaffApp, reviewer: StaffClient
) -> None:
    assert (await reviewer.post(DOCUMENTS, data=FORM)).status_code == 303
    async with hanging_worker(staff_app) as process:
        await wait_for(staff_app, "steps_done = 1")
        process.kill()
        await process.wait()
    assert await state(reviewer) == "working"
    async with document_worker(staff_app):
        await wait_for(staff_app, "finished_at is not null")
    row = await staff_app.database.fetchrow("select attempts, failure from nomination.documents")
    assert tuple(row or ()) == (2, None)
    assert await staff_app.database.fetchval("select count(*) from nomination.documents") == 1
    assert (await reviewer.get(f"{DOCUMENTS}/1.pdf")).content.startswith(b"%PDF")


async def test_a_late_attempt_changes_nothing(reviewer: StaffClient, context: JobContext) -> None:
    await reviewer.post(DOCUMENTS, data=FORM)
    late = await DOCUMENT_JOBS.begin(context, 1)
    newest = await DOCUMENT_JOBS.begin(context, 1)
    assert late is not None
    assert newest is not None
    await DOCUMENT_JOBS.run(context, late)
    await DOCUMENT_JOBS.fail(context, late, None)
    assert await state(reviewer) == "working"
    await DOCUMENT_JOBS.run(context, newest)
    content = (await reviewer.get(f"{DOCUMENTS}/1.pdf")).content
    await DOCUMENT_JOBS.fail(context, newest, None)
    assert await state(reviewer) == "finished"
    assert (await reviewer.get(f"{DOCUMENTS}/1.pdf")).content == content
    assert await DOCUMENT_JOBS.begin(context, 1) is None


async def test_a_request_that_fails_leaves_no_job(
    staff_app: StaffApp, reviewer: StaffClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("voting_service.nomination.awards.render_jobs.enqueue", broken)
    assert (await reviewer.post(DOCUMENTS, data=FORM)).status_code == 500
    assert await staff_app.database.fetchval("select count(*) from nomination.documents") == 0


async def test_an_administrator_tries_a_failed_job_again(
    staff_app: StaffApp, reviewer: StaffClient, desktop: Page, context: JobContext
) -> None:
    await reviewer.post(DOCUMENTS, data=FORM)
    attempt = await DOCUMENT_JOBS.begin(context, 1)
    assert attempt is not None
    await DOCUMENT_JOBS.fail(context, attempt, None)
    await staff_app.database.execute("delete from jobs.pgqueuer")
    await staff_app.sign_in(desktop, "administrator", "/jobs")
    await assert_accessible(desktop)
    row = await desktop.inner_text("tbody")
    for word in ("总结报道", "reviewer-1", "失败", "制作失败"):
        assert word in row, word
    await desktop.get_by_role("button", name=re.compile("^重试")).click()
    await desktop.wait_for_selector("tbody tr td:has-text('等待执行')")
    again = await DOCUMENT_JOBS.begin(context, 1)
    assert again is not None
    assert (again.number, again.since_request) == (2, 1)
    await staff_app.database.execute("update jobs.pgqueuer set status = 'picked'")
    await desktop.reload()
    assert "正在执行" in await desktop.inner_text("tbody")
    await assert_accessible(desktop)
    await staff_app.database.execute("update jobs.pgqueuer set status = 'queued'")
    async with document_worker(staff_app):
        await wait_for(staff_app, "finished_at is not null")
    await desktop.reload()
    assert "已完成" in await desktop.inner_text("tbody")
    recorded = await staff_app.database.fetch(
        "select actor, subject from audit_log where act = 'job_retried'"
    )
    assert [tuple(line) for line in recorded] == [("administrator-1", "document:1")]


async def test_only_failed_and_interrupted_jobs_are_tried_again(
    staff_app: StaffApp, reviewer: StaffClient
) -> None:
    await reviewer.post(DOCUMENTS, data=FORM)
    administrator = await staff_app.signed_in_client("administrator")
    assert (await administrator.post("/jobs/document/1/retry", data={})).status_code == 503
    await staff_app.database.execute("delete from jobs.pgqueuer")
    assert await state(reviewer) == "interrupted"
    assert (await administrator.post("/jobs/document/1/retry", data={})).status_code == 303
    assert await state(reviewer) == "working"
    async with document_worker(staff_app):
        await wait_for(staff_app, "finished_at is not null")
    assert (await administrator.post("/jobs/document/1/retry", data={})).status_code == 409
    assert (await administrator.post("/jobs/other/1/retry", data={})).status_code == 404
    assert (await administrator.post("/jobs/document/9/retry", data={})).status_code == 409
    for client in (reviewer, await staff_app.signed_in_client("supervisor")):
        assert (await client.get("/jobs")).status_code == 403
        assert (await client.post("/jobs/document/1/retry", data={})).status_code == 403
