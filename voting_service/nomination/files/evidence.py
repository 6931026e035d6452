"""Several files, in their order, as the pages of one PDF.

Works on untrusted bytes and may take seconds: a server calls it through sandbox.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise

from voting_service.nomination.files.content_safety import holds_markup
from voting_service.nomination.files.kinds import file_kind
from voting_service.nomination.files.model import JoinedPdf, UploadedFile
from voting_service.nomination.files.pdf import PdfPages
from voting_service.nomination.files.pictures import picture_pages
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.upload_checks import check_name_and_size

_SUFFIXES = frozenset({".pdf", ".doc", ".docx", ".wps", ".jpg", ".jpeg", ".png", ".heic"})
"""A file of another kind that has one of these was renamed or is damaged."""


_WORD_SUFFIXES = frozenset({".doc", ".wps"})


def join_files(
    files: Sequence[UploadedFile],
    limit: int,
    otherwise: RejectionReason = RejectionReason.OTHER_KIND,
) -> JoinedPdf:
    """Return PDFs and pictures as one PDF of at most `limit` pages. Raises FileRejected, for other
    kinds with the reason `otherwise`."""
    pages = PdfPages(limit)
    ends = [0]
    for number, file in enumerate(files, start=1):
        try:
            _add(pages, file, otherwise)
        except FileRejected as error:
            error.number = number if len(files) > 1 else 0
            raise
        ends.append(len(pages))
    content = pages.finished()
    return JoinedPdf(
        pages=len(pages),
        pages_by_file=tuple(end - start for start, end in pairwise(ends)),
        content=content,
        sha256=sha256(content).hexdigest(),
    )


def _add(pages: PdfPages, file: UploadedFile, otherwise: RejectionReason) -> None:
    suffix = check_name_and_size(file.name, file.content)
    kind = file_kind(file.content)
    if kind == "pdf":
        pages.add_pdf(file.content)
    elif kind == "picture":
        for picture in picture_pages(file.content, pages.limit):
            pages.add_picture(picture)
    else:
        if suffix in _WORD_SUFFIXES and _is_web_page(file.content):
            raise FileRejected(RejectionReason.LEGACY_WORD)
        is_renamed = kind is None and suffix in _SUFFIXES
        raise FileRejected(RejectionReason.DISGUISED if is_renamed else otherwise)


def _is_web_page(content: bytes) -> bool:
    """Whether it is what Word and document systems write as a web page, and often name .doc."""
    return holds_markup(content[:1024]) or content.lstrip()[:13].lower() == b"mime-version:"
