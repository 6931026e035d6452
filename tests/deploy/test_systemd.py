"""The units of deploy/systemd: systemd itself reads them, and they call what there is."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from voting_service.cli import COMMANDS
from voting_service.commands.serve import GRACEFUL_SECONDS
from voting_service.settings import PREFIX, Settings

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
UNITS = sorted(path.name for path in FOLDER.iterdir())
PROGRAM = "/opt/voting/bin/voting-service"


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_no_fault(name: str, tmp_path: Path) -> None:
    """systemd-analyze looks for the program, so the test names one that is there."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert PROGRAM in text
    (tmp_path / name).write_text(text.replace(PROGRAM, "/bin/true"), encoding="utf-8")
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_names_commands_and_settings_that_exist(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    command = re.findall(rf"^ExecStart=.*{PROGRAM} (\w+)", text, re.M)
    assert command[0] in COMMANDS
    settings = {PREFIX + field.upper() for field in Settings.model_fields}
    named = set(re.findall(r"VOTING_[A-Z_]+", text))
    assert named
    assert named <= settings
    [stop_seconds] = re.findall(r"^TimeoutStopSec=(\d+)", text, re.M)
    assert int(stop_seconds) > GRACEFUL_SECONDS
