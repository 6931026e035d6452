"""Pages of a PDF as images: reviewers see pixels of the evidence, so that their browser never opens
an uploaded file.

Files are examined when they are uploaded. They are rendered in a separate process all the same
(page_renderer_process.py), with little memory and time and an empty environment.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys

from voting_service.errors import NotFound, Refused
from voting_service.nomination.review.page_renderer_process import NO_SUCH_PAGE

MAX_CONCURRENT = 2
TIMEOUT_SECONDS = 20
_PROCESS_MODULE = "voting_service.nomination.review.page_renderer_process"
_slots = asyncio.Semaphore(MAX_CONCURRENT)


async def render_page_image(pdf: bytes, page: int) -> bytes:
    """Return page `page` (from 1) as PNG. Raises NotFound, and Refused when rendering fails."""
    async with _slots:
        return await asyncio.to_thread(_run_process, pdf, page)


def _run_process(pdf: bytes, page: int) -> bytes:
    try:
        completed = subprocess.run(
            [sys.executable, "-I", "-m", _PROCESS_MODULE, str(page)],
            input=pdf,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # may quote the file
            env={},
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Refused("nomination.review.page_not_shown") from None
    if completed.returncode == NO_SUCH_PAGE:
        raise NotFound("nomination.review.no_such_page")
    if completed.returncode != 0:
        raise Refused("nomination.review.page_not_shown")
    return completed.stdout
