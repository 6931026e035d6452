"""A process's clock that can be moved, by libfaketime."""

from __future__ import annotations

import os
from pathlib import Path

from tests.browser.find_browsers import install, run_quietly

_LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


class Clock:
    """A process's clock, which is moved through a file."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = folder / f"clock-{name}"
        self.set(0)

    def set(self, seconds: int) -> None:
        """Set the clock so far ahead of the machine's."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n", encoding="ascii")
        new.chmod(0o644)
        new.replace(self._file)

    def prefix(self) -> list[str]:
        """Return what goes before the command of a process that uses this clock."""
        return [
            "env",
            f"LD_PRELOAD={_LIBRARY}",
            f"FAKETIME_TIMESTAMP_FILE={self._file}",
            "FAKETIME_CACHE_DURATION=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        ]


def require_library() -> None:
    """Install libfaketime where that is allowed. Raises SystemExit with what to do."""
    if not _LIBRARY.exists():
        install(["libfaketime"], run_quietly, is_root=os.geteuid() == 0)
