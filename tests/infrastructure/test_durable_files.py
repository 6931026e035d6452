"""Files for everybody are readable by everybody, whatever the process's umask."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from voting_service.infrastructure.durable_files import PRIVATE, PUBLIC, replace_file


@pytest.mark.parametrize(("mode", "folder_mode"), [(PUBLIC, 0o755), (PRIVATE, 0o700)])
def test_modes_do_not_depend_on_the_umask(mode: int, folder_mode: int, tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "file"
    before = os.umask(0o077)
    try:
        for content in (b"one", b"another"):
            replace_file(file, content, mode)
    finally:
        os.umask(before)
    assert file.read_bytes() == b"another"
    assert stat.S_IMODE(file.stat().st_mode) == mode
    for folder in (file.parent, file.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == folder_mode
    assert list(file.parent.iterdir()) == [file]
