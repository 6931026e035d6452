"""What every step of every test costs in processor time, children included; needs root on Linux.

`python -m tests.processor_time FILE` prints what pytest wrote there when it was started with
`-p tests.processor_time` and PROCESSOR_TIME=FILE in its environment.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

GROUPS = Path("/sys/fs/cgroup/cpuacct")
"""Control groups of the first version: one for every process of pytest's, with all it starts."""


class Meter:
    """A control group around this process, and the file that takes what it used."""

    def __init__(self, file: str) -> None:
        self.file = Path(file)
        self.enter()

    def enter(self) -> None:
        """Begins a group of this process."""
        self.process = os.getpid()
        self.group = GROUPS / f"tests-{self.process}"
        self.group.mkdir()
        (self.group / "cgroup.procs").write_text(str(self.process))
        self.before = self.used()

    def used(self) -> int:
        """Nanoseconds."""
        return int((self.group / "cpuacct.usage").read_text())

    def note(self, step: str, test: str) -> None:
        """Writes what was used since the last note."""
        now = self.used()
        seconds = (now - self.before) / 1e9
        with self.file.open("a") as lines:
            lines.write(f"{seconds:.3f}\t{step}\t{test}\t{self.process}\t{time.time():.2f}\n")
        self.before = now

    @pytest.hookimpl
    def pytest_collection_finish(self) -> None:
        self.note("collection", "")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        if self.process != os.getpid():  # forked since then
            self.enter()
        try:
            yield
        finally:
            self.note("setup", item.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        try:
            yield
        finally:
            self.note("call", item.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        try:
            yield
        finally:
            self.note("teardown", item.nodeid)

    @pytest.hookimpl
    def pytest_unconfigure(self) -> None:
        self.note("end", "")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Meter(os.environ["PROCESSOR_TIME"]))


def main(file: str) -> None:
    """Print the dearest steps, the dearest files and the sum."""
    steps: list[tuple[float, str, str]] = []
    files: defaultdict[str, float] = defaultdict(float)
    for line in Path(file).read_text().splitlines():
        seconds, step, test, *_ = line.split("\t")
        steps.append((float(seconds), step, test))
        files[test.partition("::")[0] or step] += float(seconds)
    for used, step, test in sorted(steps, reverse=True)[:50]:
        print(f"{used:8.1f} {step:10} {test}")
    for name in sorted(files, key=lambda name: -files[name])[:100]:
        print(f"{files[name]:8.1f} {name}")
    print(f"{sum(files.values()):8.1f} all")


if __name__ == "__main__":
    main(sys.argv[1])
