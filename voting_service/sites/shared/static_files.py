"""Static files under names that contain their hash, so browsers may cache them for good."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

from voting_service.errors import NotFound
from voting_service.sites.shared.prepared_pages import PreparedPage, accepts_gzip

STATIC = "/static/"
VENDOR = "vendor"
"""The folder of third-party files, which the build copies there (hatch_build.py)."""
_FOR_EVER = "public, max-age=31536000, immutable"


class StaticFile:
    """A file under its hashed name."""

    def __init__(self, name: str, body: bytes) -> None:
        stem, _, suffix = name.rpartition(".")
        digest = blake2b(body, digest_size=8).hexdigest()
        self.url = f"{STATIC}{stem}.{digest}.{suffix}"
        self.media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.prepared = PreparedPage.of(body)


@cache
def static_files(*packages: str) -> Mapping[str, StaticFile]:
    """Return every file of `static/` in the packages, by its name there (`vendor/x.js`).

    Imports of `./name.js` are replaced by the hashed names. So a module may import only vendored
    modules, modules of packages named before, and modules that sort before it.
    """
    files: dict[str, StaticFile] = {}
    for name, written in (file for package in packages for file in _bodies(package)):
        body = written
        if name.endswith((".js", ".css")):
            for other_name, other in files.items():
                body = body.replace(f'"./{other_name}"'.encode(), f'"{other.url}"'.encode())
        files[name] = StaticFile(name, body)
    return files


def _bodies(package: str) -> list[tuple[str, bytes]]:
    """Return names and contents: vendored files first, then ours, each sorted by name."""
    folder = resources.files(package).joinpath("static")
    if not folder.is_dir():
        return []
    vendor = folder.joinpath(VENDOR)
    vendored = [
        (f"{VENDOR}/{entry.name}", entry.read_bytes())
        for entry in (vendor.iterdir() if vendor.is_dir() else ())
    ]
    ours = [(entry.name, entry.read_bytes()) for entry in folder.iterdir() if entry.is_file()]
    return sorted(vendored) + sorted(ours)


def static_response(files: Mapping[str, StaticFile], request: Request) -> Response:
    """Return the file for a request of `/static/{name:path}`. Raises NotFound."""
    url = STATIC + request.path_params["name"]
    for file in files.values():
        if file.url == url:
            return _response(file, request.headers.get("accept-encoding", ""))
    raise NotFound("sites.shared.no_such_file")


def _response(file: StaticFile, accept_encoding: str) -> Response:
    headers = {
        "cache-control": _FOR_EVER,
        "x-content-type-options": "nosniff",
        "vary": "Accept-Encoding",
    }
    body = file.prepared.body
    if accepts_gzip(accept_encoding):
        body = file.prepared.packed
        headers["content-encoding"] = "gzip"
    return Response(body, 200, headers, media_type=file.media_type)
