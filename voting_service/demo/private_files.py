"""Files with secrets: written atomically, readable by their owner only."""

from __future__ import annotations

from pathlib import Path

from voting_service.infrastructure.durable_files import PRIVATE, replace_file


def write_private(path: Path, content: str | bytes) -> None:
    """Replace a file atomically, with mode 0600, and wait until it is on disk."""
    replace_file(path, content.encode() if isinstance(content, str) else content, PRIVATE)
