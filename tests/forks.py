"""Several processes that share one collection: `pytest -p tests.forks --forks 4`.

To import and collect everything takes as long as hundreds of tests. So one process collects, and
the others are forked from it. Each has servers of its own and takes one file after the other, in
the order of collection; the first only reports.
"""

from __future__ import annotations

import io
import os
import random
import threading
from collections.abc import Iterator, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pytest

Test = tuple[str, tuple[str, int | None, str]]
"""A test's id and its place."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--forks", type=int, default=0, help="how many processes run the tests")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    forks: int = session.config.getoption("forks")
    if not forks or session.testsfailed or session.config.option.collectonly:
        return None
    assert threading.active_count() == 1, "a thread does not survive a fork"
    files: dict[str, list[pytest.Item]] = {}
    for item in session.items:
        files.setdefault(item.location[0], []).append(item)
    control = Control(session, len(files))
    for number in range(forks):
        ours, theirs = Pipe()
        session.config.get_terminal_writer().flush()
        process = os.fork()
        if not process:
            control.close()
            ours.close()
            Worker(session, number, theirs).run(list(files.values()))
            return True
        theirs.close()
        control.processes[ours] = process
    control.run()
    return True


class Control:
    """Gives out the files and reports what comes of them, in the process that collected."""

    def __init__(self, session: pytest.Session, files: int) -> None:
        self.session = session
        self.left: Iterator[int | None] = iter(range(files))
        self.processes: dict[Connection, int] = {}
        self.running: dict[Connection, Test] = {}
        self.failed: set[Connection] = set()

    def close(self) -> None:
        """In a worker: what belongs to the other workers."""
        for channel in self.processes:
            channel.close()

    def run(self) -> None:
        """Until every worker has ended."""
        try:
            while self.processes:
                for channel in wait(list(self.processes)):
                    assert isinstance(channel, Connection)
                    self.hear(channel)
        finally:
            self.close()  # what still runs ends as soon as it has something to tell
            for process in self.processes.values():
                os.waitpid(process, 0)

    def hear(self, channel: Connection) -> None:
        """One message of a worker: what it begins, what came of it, or None: it needs a file."""
        try:
            message = channel.recv()
        except (EOFError, OSError):
            self.end(channel)
            return
        if message is None:
            stopped = self.session.shouldfail or self.session.shouldstop
            channel.send(None if stopped else next(self.left, None))
            return
        test, reports = message
        hook = self.session.config.hook
        if reports is None:
            self.running[channel] = test
            hook.pytest_runtest_logstart(nodeid=test[0], location=test[1])
            return
        for data in reports:
            report = hook.pytest_report_from_serializable(config=self.session.config, data=data)
            if report.failed:
                self.failed.add(channel)
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=test[0], location=test[1])
        del self.running[channel]

    def end(self, channel: Connection) -> None:
        """A worker is gone: that is a failure of its own unless it came to its end."""
        _, status = os.waitpid(self.processes.pop(channel), 0)
        channel.close()
        code = os.waitstatus_to_exitcode(status)
        test = self.running.pop(channel, None)
        if test is None and code == (channel in self.failed):  # 1 for tests that failed
            return
        name, place = test or ("tests", ("tests", None, "between two tests"))
        report = pytest.TestReport(
            nodeid=name,
            location=place,
            keywords={},
            outcome="failed",
            longrepr=f"The process that ran the tests ended with {code}.",
            when="call",
        )
        self.session.config.hook.pytest_runtest_logreport(report=report)


class Worker:
    """Runs the files that it is given, in a forked process, and tells what came of them."""

    def __init__(self, session: pytest.Session, number: int, channel: Connection) -> None:
        self.session = session
        self.config = session.config
        self.channel = channel
        self.reports: list[dict[str, Any]] = []
        random.seed()  # the others have the same state
        self.separate_folder(number)
        self.separate_output()
        # The name that pytest's own plugins know: a worker keeps no list of what failed.
        self.config.__dict__["workerinput"] = {"workerid": str(number)}
        self.config.pluginmanager.register(self)

    def separate_folder(self, number: int) -> None:
        """The fewer folders stand beside each other, the sooner pytest finds a free name."""
        factory: Any = self.config.__dict__["_tmp_path_factory"]
        folder: Path = factory.getbasetemp() / f"worker-{number}"
        folder.mkdir()
        factory.__dict__["_basetemp"] = folder

    def separate_output(self) -> None:
        """Captured output goes to files, which forked processes would share; what is printed goes
        nowhere, for the process that collected prints it."""
        capture: Any = self.config.pluginmanager.getplugin("capturemanager")
        capture.stop_global_capturing()
        capture.start_global_capturing()
        writer: Any = self.config.get_terminal_writer()
        writer.__dict__["_file"] = io.StringIO()

    def run(self, files: Sequence[Sequence[pytest.Item]]) -> None:
        """One file after the other. The last test of all tears down what lasts a session, so the
        next file is asked for before the last test of one."""
        items = self.next_file(files)
        while items:
            following: Sequence[pytest.Item] = ()
            for place, item in enumerate(items, 1):
                if self.session.shouldfail or self.session.shouldstop:
                    return
                if place == len(items):
                    following = self.next_file(files)
                nextitem = items[place] if place < len(items) else next(iter(following), None)
                self.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
            items = following

    def next_file(self, files: Sequence[Sequence[pytest.Item]]) -> Sequence[pytest.Item]:
        """Its tests, or none if no file is left."""
        self.channel.send(None)
        place = self.channel.recv()
        return () if place is None else files[place]

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self.channel.send(((nodeid, location), None))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        hook = self.config.hook
        data = hook.pytest_report_to_serializable(config=self.config, report=report)
        self.reports.append(data)

    def pytest_runtest_logfinish(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self.channel.send(((nodeid, location), self.reports))
        self.reports = []
