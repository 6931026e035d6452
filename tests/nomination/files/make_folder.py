"""Write the honest files into a folder, to run `voting-service file check` over it.

    python -m tests.nomination.files.make_folder DIR
    voting-service file check DIR/evidence --as evidence --format json

There is a folder for each kind, and `opinions.csv`: the pages that two readers who know nothing of
each other see in a PDF, or nothing where one of them does not open it.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import pikepdf
import pypdfium2

from tests.nomination.files.samples import samples


def pages_by_pdfium(content: bytes) -> int | None:
    try:
        with pypdfium2.PdfDocument(content) as document:
            return len(document)
    except pypdfium2.PdfiumError:
        return None


def pages_by_qpdf(content: bytes) -> int | None:
    try:
        with pikepdf.open(io.BytesIO(content)) as document:
            return len(document.pages)
    except pikepdf.PdfError:
        return None


def make_folder(folder: Path) -> None:
    with_opinions = []
    for sample in samples():
        content = sample.make()
        place = folder / sample.kind / sample.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        if b"%PDF-" in content[:1024]:
            opinions = pages_by_pdfium(content), pages_by_qpdf(content)
            with_opinions.append((place.relative_to(folder), *opinions))
    with (folder / "opinions.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("file", "pdfium", "qpdf"))
        table.writerows(with_opinions)


if __name__ == "__main__":
    make_folder(Path(sys.argv[1]))
