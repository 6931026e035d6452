"""compose.yaml gives our processes every setting, and names no variable that is none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from voting_service.settings import PREFIX, Settings

TEXT = (Path(__file__).parents[2] / "compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
OURS = ("migrate", "serve", "console", "work")


def test_every_process_of_ours_reads_every_setting_from_one_file() -> None:
    for name in OURS:
        assert SERVICES[name]["env_file"] == ["settings.env"], name
        assert not any("${VOTING_" in text for text in SERVICES[name]["environment"].values())


def test_every_variable_that_it_names_is_a_setting() -> None:
    settings = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(r"VOTING_[A-Z_]+", TEXT)) <= settings


def test_every_image_can_be_named_by_its_digest() -> None:
    assert re.findall(r"image: (.+)", TEXT) == [
        "voting-service",
        "${POSTGRES_IMAGE:-postgres:18}",
        "${VALKEY_IMAGE:-valkey/valkey:9}",
        *("voting-service-console", "voting-service-console"),
    ]
