"""`voting-service verify`: a page of sentences, from a folder and from an address."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from click.testing import CliRunner, Result

from tests.voting.public_log.forgeries import PLAN
from tests.voting.public_log.log_builder import build_log
from tests.voting.public_log.log_data import WITNESSES
from voting_service.cli import root
from voting_service.errors import InvalidInput, Unavailable
from voting_service.infrastructure.transparency_log.sources import FolderSource, HttpSource


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log")
    log = build_log(PLAN)
    log.write(folder / "log")
    (folder / "older").write_bytes(log.checkpoint(7))
    (folder / "receipt").write_bytes(msgspec.json.encode(log.receipt(1, 1)))
    return folder


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(root, ["verify", *map(str, arguments)])


def test_a_folder_and_an_address_give_the_same_page(folder: Path, address: str) -> None:
    besides = [
        *("--checkpoint", folder / "older", "--receipt", folder / "receipt"),
        *("--witness", WITNESSES[0].text, "--language", "en"),
    ]
    page = run(folder / "log", *besides)
    assert page.exit_code == 0
    assert page.stdout.endswith("Everything agrees.\n")
    assert run(f"{address}/log/", *besides).stdout == page.stdout
    assert "核对完毕，全部一致。" in run(folder / "log").stdout


def test_a_fault_is_a_sentence_and_exit_code_1(folder: Path, tmp_path: Path) -> None:
    log = build_log(PLAN)
    log.tags[1] = log.tags[1][32:]
    log.write(tmp_path)
    page = run(tmp_path, "--language", "en")
    assert page.exit_code == 1
    assert "Ballots were dropped or added." in page.stdout
    assert "NOT in order. Faults: 1." in page.stdout
    (tmp_path / "checkpoint").unlink()
    assert "缺少文件 checkpoint" in run(tmp_path).stdout
    assert run(tmp_path / "nowhere").exit_code == 2


def test_reads_are_bounded_and_stay_inside(folder: Path, address: str, tmp_path: Path) -> None:
    for source in (FolderSource(folder / "log"), HttpSource(f"{address}/log")):
        assert source.read("key", 1_000).endswith(b"\n")
        for path, limit in (("key", 10), ("nowhere", 10)):
            with pytest.raises(InvalidInput):
                source.read(path, limit)
    with pytest.raises(Unavailable):
        HttpSource("http://127.0.0.1:9").read("key", 10)
    (tmp_path / "key").symlink_to(folder / "older")
    with pytest.raises(InvalidInput):
        FolderSource(tmp_path).read("key", 1_000)
