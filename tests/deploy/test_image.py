"""The image is built from everything that the wheel is made of."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_dockerfile_copies_what_the_wheel_takes_in() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
        "build"
    ]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], wheel["hooks"]["custom"]["path"]}
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = {
        name for line in re.findall(r"^COPY (?!--)(.+)", dockerfile, re.M) for name in line.split()
    }
    let_in = set(re.findall(r"^!(.+)", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.M))
    assert needed <= copied
    assert needed <= let_in
    assert {name for name in copied if (ROOT / name).exists()} - {"./"} <= let_in
