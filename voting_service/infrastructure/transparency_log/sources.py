"""Where the public files of a log are read from: a folder, or an address. Every read is bounded."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Protocol

import httpx

from voting_service.errors import Fault, InvalidInput, Unavailable

TIMEOUT_SECONDS = 15.0
"""For the connection, and between two pieces of a file."""
DEADLINE_SECONDS = 300.0
"""For one file."""
TRIES = 3
PARALLEL_READS = 8
READ_AHEAD = 32


class LogSource(Protocol):
    """The public files of one log."""

    def read(self, path: str, limit: int) -> bytes:
        """Return a file of at most `limit` bytes. Raises InvalidInput if there is none, or if it
        is larger; Unavailable if that cannot be known."""
        ...

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        """Yield files in the order of their paths. Raises as `read`."""
        ...

    def paths(self) -> Iterator[str]:
        """Yield the paths of all files, where they can be listed."""
        ...


class FolderSource:
    """A folder. Links out of it are not followed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def read(self, path: str, limit: int) -> bytes:
        file = self._folder / path
        try:
            inside = file.resolve().is_relative_to(self._folder)
            if not inside or not file.is_file():
                raise InvalidInput(_missing(path))
            with file.open("rb") as stream:
                data = stream.read(limit + 1)
        except OSError as error:
            raise Unavailable(
                "infrastructure.transparency_log.file_unreadable", path=path, error=error
            ) from None
        if len(data) > limit:
            raise InvalidInput(_too_large(path, limit))
        return data

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        return (self.read(path, limit) for path in paths)

    def paths(self) -> Iterator[str]:
        for file in sorted(self._folder.rglob("*")):
            if not file.is_dir():
                yield file.relative_to(self._folder).as_posix()


class HttpSource:
    """An address under which the files lie. Redirects are not followed."""

    def __init__(self, address: str, transport: httpx.BaseTransport | None = None) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._address = address.rstrip("/")
        limits = httpx.Limits(max_connections=PARALLEL_READS)
        self._client = httpx.Client(
            timeout=TIMEOUT_SECONDS, follow_redirects=False, limits=limits, transport=transport
        )

    def read(self, path: str, limit: int) -> bytes:
        for _ in range(TRIES - 1):
            with suppress(Unavailable):
                return self._read(path, limit)
        return self._read(path, limit)

    def _read(self, path: str, limit: int) -> bytes:
        url = f"{self._address}/{path}"
        give_up_at = monotonic() + DEADLINE_SECONDS
        # No compression: a few bytes could decompress to gigabytes.
        headers = {"accept-encoding": "identity"}
        data = bytearray()
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                if response.status_code in {404, 410}:
                    raise InvalidInput(_missing(path))
                encoding = response.headers.get("content-encoding", "identity")
                if response.status_code != 200 or encoding != "identity":
                    raise _unexpected(url, f"HTTP {response.status_code}, {encoding}")
                for chunk in response.iter_raw():
                    data += chunk
                    if len(data) > limit:
                        raise InvalidInput(_too_large(path, limit))
                    if monotonic() > give_up_at:
                        raise _unexpected(url, f"> {DEADLINE_SECONDS:.0f} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unexpected(url, f"{type(error).__name__}: {error}") from None
        return bytes(data)

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        with ThreadPoolExecutor(PARALLEL_READS) as pool:
            ahead: deque[Future[bytes]] = deque()
            try:
                for path in paths:
                    ahead.append(pool.submit(self.read, path, limit))
                    if len(ahead) >= READ_AHEAD:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                for future in ahead:
                    future.cancel()

    def paths(self) -> Iterator[str]:
        """Yield nothing: an address cannot be listed."""
        return iter(())


def _missing(path: str) -> Fault:
    return Fault("", "infrastructure.transparency_log.file_missing", path=path)


def _too_large(path: str, limit: int) -> Fault:
    return Fault("", "infrastructure.transparency_log.file_too_large", path=path, limit=limit)


def _unexpected(url: str, error: str) -> Unavailable:
    return Unavailable("infrastructure.transparency_log.address_failed", url=url, error=error)
