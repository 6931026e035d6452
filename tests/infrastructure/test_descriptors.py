"""How many connections the descriptors of a process allow."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOOK = """
import resource
from voting_service.infrastructure.descriptors import max_connections, raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
raise_limit()
print(max_connections(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "shown", "is_warned"),
    [
        (256, 1_024, "832 1024", True),
        (1_024, 1_024, "832 1024", True),
        (256, 256, "TooFew", False),
    ],
)
def test_the_limit_is_raised_or_named(soft: int, hard: int, shown: str, is_warned: bool) -> None:
    output = subprocess.run(
        [sys.executable, "-c", LOOK.format(soft=soft, hard=hard)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert ("few_descriptors" in output.stdout) == is_warned
    if shown == "TooFew":
        assert "256 files" in output.stderr
        assert "LimitNOFILE" in output.stderr
    else:
        assert output.stdout.splitlines()[-1] == shown
