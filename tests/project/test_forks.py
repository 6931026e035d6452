"""The processes that `make test` forks lose no failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FILES = {
    "conftest.py": """
import os, pathlib, pytest
@pytest.fixture(scope="session", autouse=True)
def lasting():
    yield
    pathlib.Path(__file__).with_name(f"ended-{os.getpid()}").touch()
""",
    "test_passes.py": "def test_one(): pass\ndef test_two(): pass\n",
    "test_fails.py": "def test_three():\n    print('what was printed')\n    assert 1 == 2\n",
    "test_ends.py": "import os\ndef test_four(): os._exit(0)\ndef test_five(): pass\n",
}


def run(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.forks", "--forks", "2", *files],
        cwd=folder,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_passes_passes_and_every_process_ends_its_session(tmp_path: Path) -> None:
    done = run(tmp_path, "test_passes.py")
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert list(tmp_path.glob("ended-*"))


def test_a_failure_and_a_lost_process_are_reported(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 1
    assert "2 failed, 2 passed" in done.stdout
    assert "assert 1 == 2" in done.stdout
    assert "what was printed" in done.stdout
    assert "FAILED test_ends.py::test_four - The process that ran" in done.stdout
