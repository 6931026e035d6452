"""Where the addresses in a Word file lead.

Addresses never reach the converter (docx_xml.py drops them all). They are looked at because a
file that would reach out on somebody's computer is rejected, not mended.
"""

from __future__ import annotations

import re
from enum import Enum
from urllib.parse import unquote

from voting_service.nomination.files.rejections import FileRejected, RejectionReason


class PlaceKind(Enum):
    """Where an address leads."""

    HERE = "here"
    """Into the document, to a file of the writer's computer, or to a person: mail, telephone."""
    WEB = "web"
    """To a page that people open by a click."""
    OUTSIDE = "outside"
    """To another computer's files, or into another program."""


_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]+):(.*)", re.DOTALL)
_DRIVE = re.compile(r"/*[a-z][:|]")
_WEB = frozenset({"http", "https", "ftp", "ftps"})
_PEOPLE = frozenset({"mailto", "tel", "sms", "fax", "callto", "sip"})
_LOCAL = frozenset({"cid", "data", "blob", "about", "webkit-fake-url", "applewebdata", "bookmark"})
"""What messengers, mail programs and browsers leave when something is pasted from them."""
_HOME_FOLDER = re.compile(
    r"""(
    applications|data|home|library|media|mnt|opt|private|sdcard|storage|
    tmp|users|var|volumes
    )""",
    re.VERBOSE | re.DOTALL,
)
_PROGRAM = re.compile(
    r""".*\.(
    exe|com|bat|cmd|scr|pif|cpl|msi|msp|lnk|url|scf|hta|js|jse|vbs|
    vbe|wsf|wsh|ps1|jar|reg|chm|dll|inf|sh|command|app|iso|img|vhd|
    search-ms|library-ms|settingcontent-ms|docm|dotm|xlsm|xlam|pptm
    )""",
    re.VERBOSE | re.DOTALL,
)


def place(address: str) -> PlaceKind:
    """Return where an address leads."""
    plain = _plain(address)
    if not (match := _SCHEME.match(plain)):
        return _path_place(plain)
    scheme, rest = match.groups()
    if scheme == "file":
        return _file_place(rest)
    if scheme in _WEB:
        return PlaceKind.WEB
    return PlaceKind.HERE if scheme in _PEOPLE | _LOCAL else PlaceKind.OUTSIDE


def check_hyperlink(address: str) -> None:
    """Check an address that is followed only by a click. Raises FileRejected."""
    where = place(address)
    if where is PlaceKind.OUTSIDE or (where is PlaceKind.HERE and _runs(_plain(address))):
        raise FileRejected(RejectionReason.EXTERNAL, what="hyperlink")


def check_resource(address: str, what: str) -> None:
    """Check an address that a program fetches by itself. Raises FileRejected."""
    if place(address) is not PlaceKind.HERE:
        raise FileRejected(RejectionReason.EXTERNAL, what=what)


def _plain(address: str) -> str:
    """Undo what hides an address: encodings, spaces, backslashes, capitals."""
    for _ in range(3):
        address = unquote(address)
    return re.sub(r"[\s\x00-\x1f\x7f]+", "", address).replace("\\", "/").lower()


def _path_place(path: str) -> PlaceKind:
    if path.startswith("www."):
        return PlaceKind.WEB
    is_share = path.startswith("//") and not _DRIVE.match(path)
    return PlaceKind.OUTSIDE if is_share else PlaceKind.HERE


def _file_place(path: str) -> PlaceKind:
    slashes = len(path) - len(path.lstrip("/"))
    rest = path.lstrip("/")
    if slashes in {0, 1, 3} or _DRIVE.match(rest) or not rest:
        return PlaceKind.HERE
    first = rest.partition("/")[0]
    is_ours = first == "localhost" if slashes == 2 else _HOME_FOLDER.fullmatch(first)
    return PlaceKind.HERE if is_ours else PlaceKind.OUTSIDE


def _runs(path: str) -> bool:
    """Whether a path leads to a program. `qq.com` alone is a page that lacks its scheme."""
    path = path.partition("#")[0].partition("?")[0].rstrip("/")
    return ("/" in path or not path.endswith(".com")) and _PROGRAM.fullmatch(path) is not None
