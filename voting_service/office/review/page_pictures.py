"""A page of a PDF as a picture: what reviewers see of evidence is pixels, so nothing of a file is
ever opened by their browser. (A browser's own reader does not start in a sandboxed frame.)

The file was examined when it came; it is drawn in a process of its own all the same, with little
memory and time, and without our environment.
"""

from __future__ import annotations

import asyncio
import io
import resource
import subprocess
import sys

from voting_service.errors import NotFound, Refused

AT_ONCE = 2
TIMEOUT_SECONDS = 20
MEMORY_BYTES = 768 * 2**20
CPU_SECONDS = 10
MAX_WIDTH, MAX_HEIGHT = 1240, 1754
"""A4 at 150 dots an inch."""
_NO_SUCH_PAGE = 4
_turns = asyncio.Semaphore(AT_ONCE)


async def page_picture(pdf: bytes, page: int) -> bytes:
    """Page `page`, from 1, as PNG. Raises NotFound, and Refused for what cannot be drawn."""
    async with _turns:
        return await asyncio.to_thread(_draw, pdf, page)


def _draw(pdf: bytes, page: int) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", __name__, str(page)],
            input=pdf,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # may quote the file
            env={},
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        done = None
    if done is not None and done.returncode == _NO_SUCH_PAGE:
        raise NotFound("there is no such page", zh="没有这一页。")
    if done is None or done.returncode != 0:
        raise Refused(
            "this page cannot be drawn; download the file and look at it on a machine for it",
            zh="这一页无法显示，请下载文件后查看。",
        )
    return done.stdout


def main(number: int) -> None:
    """Draws a page of the file on stdin."""
    import pypdfium2  # noqa: PLC0415 - this process alone needs it
    from PIL import PngImagePlugin  # noqa: F401, PLC0415

    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    for what in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
        _limit(what, 0)
    document = pypdfium2.PdfDocument(sys.stdin.buffer.read())
    if not 1 <= number <= len(document):
        sys.exit(_NO_SUCH_PAGE)
    page = document[number - 1]
    width, height = page.get_size()
    scale = min(MAX_WIDTH / width, MAX_HEIGHT / height)
    target = io.BytesIO()
    page.render(scale=scale, may_draw_forms=False).to_pil().save(target, "PNG", compress_level=3)
    sys.stdout.buffer.write(target.getvalue())


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main(int(sys.argv[1]))
