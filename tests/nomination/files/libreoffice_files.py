"""Files as LibreOffice saves them: one start of the program for all."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.patience import PATIENCE_SECONDS


def resaved(contents: Mapping[str, bytes], suffix: str) -> dict[str, bytes]:
    """Word files (.docx) by the stems of their names, in another format: by stem and suffix."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    assert program, "make test installs LibreOffice (tests/browser/find_browsers.py)"
    with TemporaryDirectory() as folder:
        sources = [Path(folder, f"{stem}.docx") for stem in contents]
        for source, content in zip(sources, contents.values(), strict=True):
            source.write_bytes(content)
        made = Path(folder, "made")
        subprocess.run(
            [
                program,
                f"-env:UserInstallation={Path(folder, 'profile').as_uri()}",
                *("--headless", "--convert-to", suffix, "--outdir", str(made)),
                *map(str, sources),
            ],
            check=True,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
        )
        return {path.name: path.read_bytes() for path in made.iterdir()}
