"""Several files, in their order, as the pages of one PDF.

Works on untrusted bytes and may take seconds: a server calls it through sandbox.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from voting_service.nomination.files.kinds import file_kind
from voting_service.nomination.files.model import JoinedPdf, UploadedFile
from voting_service.nomination.files.pdf import PdfPages
from voting_service.nomination.files.pictures import picture_pages
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.upload_checks import check_name_and_size

_SUFFIXES = frozenset({".pdf", ".doc", ".docx", ".wps", ".jpg", ".jpeg", ".png", ".heic"})
"""A file of another kind that has one of these was renamed or is damaged."""


def join_files(
    files: Sequence[UploadedFile],
    limit: int,
    otherwise: RejectionReason = RejectionReason.OTHER_KIND,
) -> JoinedPdf:
    """Return PDFs and pictures as one PDF of at most `limit` pages. Raises FileRejected, for other
    kinds with the reason `otherwise`."""
    pages = PdfPages(limit)
    for number, file in enumerate(files, start=1):
        try:
            _add(pages, file, otherwise)
        except FileRejected as error:
            error.number = number if len(files) > 1 else 0
            raise
    content = pages.finished()
    return JoinedPdf(pages=len(pages), content=content, sha256=sha256(content).hexdigest())


def _add(pages: PdfPages, file: UploadedFile, otherwise: RejectionReason) -> None:
    suffix = check_name_and_size(file.name, file.content)
    kind = file_kind(file.content)
    if kind == "pdf":
        pages.add_pdf(file.content)
    elif kind == "picture":
        for picture in picture_pages(file.content, pages.limit):
            pages.add_picture(picture)
    else:
        is_renamed = kind is None and suffix in _SUFFIXES
        raise FileRejected(RejectionReason.DISGUISED if is_renamed else otherwise)
