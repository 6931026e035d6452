"""The public files of a log in memory, for the real verifier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from voting_service.errors import Fault, InvalidInput


class MemorySource:
    """Files by their path."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files

    def read(self, path: str, limit: int) -> bytes:
        if path not in self.files:
            code = "infrastructure.transparency_log.file_missing"
            raise InvalidInput(Fault("", code, path=path))
        assert len(self.files[path]) <= limit
        return self.files[path]

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        return (self.read(path, limit) for path in paths)

    def paths(self) -> Iterator[str]:
        return iter(self.files)
