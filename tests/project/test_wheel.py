"""The wheel contains the files that the code reads at run time."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_carries_migrations_queries_and_functions(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())

    package = ROOT / "voting_service"
    data = {
        f"voting_service/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file()
        and (
            path.suffix in {".sql", ".lua", ".toml", ".typed", ".typ", ".ttf"}
            or "vendor" in path.parts
        )
    }
    migrations = {
        f"voting_service/_migrations/{path.relative_to(ROOT / 'migrations').as_posix()}"
        for path in (ROOT / "migrations").rglob("*")
        if path.suffix in {".py", ".sql"}
    }
    assert data
    assert migrations
    assert sorted((data | migrations) - packed) == []
