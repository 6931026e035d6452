"""Announcement and certificates, signed by the joint office where its key is set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from io import BytesIO
from zipfile import ZipFile, ZipInfo

from voting_service.i18n.text import Language
from voting_service.infrastructure.crypto.signed_pdf import DocumentSigner, load_document_signer
from voting_service.nomination.documents.signature import draw_signature, sign_at_stamp
from voting_service.settings import Settings

Sign = Callable[[bytes], bytes]
"""Returns a document signed, or as it is where no key is set."""


def load_signer(settings: Settings, now: datetime) -> DocumentSigner | None:
    """Load the joint office's key and certificate; None where they are not set. Raises Refused for
    files that cannot be used, and for a certificate that is not valid at `now`."""
    if settings.document_signing_key_file is None:
        return None
    passphrase = settings.document_signing_passphrase
    signer = load_document_signer(
        settings.document_signing_key_file,
        settings.document_signing_certificate_file,
        None if passphrase is None else passphrase.get_secret_value(),
    )
    signer.require_valid(now)
    return signer


def signing(
    signer: DocumentSigner | None, now: datetime, language: Language, *, printed: bool = True
) -> Sign:
    """Return what signs a document at the place of its stamp."""
    if signer is None:
        return lambda pdf: pdf
    draw = cache(lambda: draw_signature(signer, now, language))
    return lambda pdf: sign_at_stamp(pdf, signer, draw(), language, printed=printed)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a ZIP archive of these files; the same files give the same bytes."""
    target = BytesIO()
    with ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(ZipInfo(name), content)
    return target.getvalue()
