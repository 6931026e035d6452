"""A disk of PostgreSQL's own: a file system in a file, which can be full and can lose power.

What the file holds is what has reached the disk: a copy of it, taken while the file system is in
use, lacks all that was written and not yet synchronised. That is a power cut.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SIZE_MIB = 3_000


class Disk:
    """The disk, mounted at `folder`."""

    def __init__(self, file: Path, folder: Path) -> None:
        self.folder = folder
        self._file = file
        self._ballast = folder / "ballast"

    @classmethod
    def make(cls, file: Path, folder: Path) -> Disk:
        """Make and mount a disk. Raises CalledProcessError where that is not allowed."""
        folder.mkdir()
        with file.open("wb") as image:
            image.truncate(SIZE_MIB << 20)
        _run("mkfs.ext4", "-q", "-F", str(file))
        disk = cls(file, folder)
        disk.mount()
        return disk

    def mount(self) -> None:
        """Make the disk reachable."""
        _run("mount", "-o", "loop", str(self._file), str(self.folder))
        self.folder.chmod(0o711)

    def unmount(self) -> None:
        """Take the disk away. Nothing may use it."""
        _run("umount", str(self.folder))

    def fill(self) -> None:
        """Write until nothing more fits."""
        with self._ballast.open("wb") as ballast:
            room = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize
            os.posix_fallocate(ballast.fileno(), 0, max(1, room - (1 << 16)))

    def empty(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)

    def cut_power(self) -> None:
        """Lose what has not reached the disk. The processes that wrote to it have ended."""
        copy = self._file.with_suffix(".copy")
        _run("cp", "--sparse=always", str(self._file), str(copy))
        self.unmount()
        shutil.move(copy, self._file)
        self.mount()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
