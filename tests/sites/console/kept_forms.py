"""What a browser posts of a page as it was shown, and how a session ends."""

from __future__ import annotations

import re

from tests.sites.console.running_staff_app import StaffApp, StaffClient


def mark_in(page: str) -> str:
    """Return the mark of a page's forms."""
    result = re.search(r'name="csrf" value="([^"]+)"', page)
    assert result is not None
    return result[1]


async def end_sessions(staff_app: StaffApp) -> None:
    """End everybody's session, as half an hour without a request does."""
    await staff_app.database.execute("update staff_sessions set ended_at = now()")


async def open_mark(client: StaffClient, path: str) -> str:
    """Open a page and return the mark of its forms."""
    return mark_in((await client.get(path)).text)
