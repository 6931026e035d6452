"""What an uploaded file must not contain, and how large its contents may be when unpacked."""

from __future__ import annotations

import io
import warnings
from urllib.parse import urlsplit

from PIL import Image, UnidentifiedImageError

from voting_service.nomination.files.rejections import FileRejected, RejectionReason

MAX_UNPACKED_BYTES = 256 * 2**20
"""Of everything compressed in one file. A colour scan of A4 at 300 dots per inch is 26 MB."""
MAX_PIXELS = 120_000_000
"""Of a contained picture: A3 at 600 dots per inch has 70 million."""
_FOREIGN_HEADS = (
    b"MZ",
    b"\x7fELF",
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0",
    b"Rar!",
    b"7z\xbc\xaf",
    b"%PDF-",
    b"#!",
    b"{\\rtf",
)
_MARKUP = (b"<html", b"<script", b"<!doctype", b"<hta:")


def looks_foreign(content: bytes) -> bool:
    """Whether content begins like a program, an archive, a document or a web page."""
    return content.startswith(_FOREIGN_HEADS) or holds_markup(content[:1024])


def holds_markup(content: bytes) -> bool:
    lowered = content.lower()
    return any(mark in lowered for mark in _MARKUP)


def is_web_link(address: str) -> bool:
    """Whether a link leads to a web page or a mailbox, not to a file."""
    if address.startswith(("#", "www.")):
        return True
    try:
        return urlsplit(address).scheme in {"http", "https", "mailto"}
    except ValueError:
        return False


def check_picture(content: bytes) -> None:
    """Check the size in a picture's header. What is not a picture is accepted: readers will not
    decode it either. Raises FileRejected."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as image:
                pixels = image.width * image.height
    except Image.DecompressionBombError:
        raise FileRejected(RejectionReason.BOMB) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return
    if pixels > MAX_PIXELS:
        raise FileRejected(RejectionReason.BOMB)
