"""The process that renders one page: a PDF on stdin, a PNG on stdout."""

from __future__ import annotations

import io
import resource
import sys

import pypdfium2
from PIL import PngImagePlugin  # noqa: F401 - later no process may be started and no file written

MEMORY_BYTES = 768 * 2**20
CPU_SECONDS = 10
MAX_WIDTH, MAX_HEIGHT = 1240, 1754
"""A4 at 150 dots per inch."""
NO_SUCH_PAGE = 4
"""Exit code."""


def main(number: int) -> None:
    """Render page `number` (from 1) of the file on stdin."""
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
        _limit(limit, 0)
    document = pypdfium2.PdfDocument(sys.stdin.buffer.read())
    if not 1 <= number <= len(document):
        sys.exit(NO_SUCH_PAGE)
    page = document[number - 1]
    width, height = page.get_size()
    scale = min(MAX_WIDTH / width, MAX_HEIGHT / height)
    image = io.BytesIO()
    page.render(scale=scale, may_draw_forms=False).to_pil().save(image, "PNG", compress_level=3)
    sys.stdout.buffer.write(image.getvalue())


def _limit(limit: int, value: int) -> None:
    resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main(int(sys.argv[1]))
