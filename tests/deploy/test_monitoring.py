"""Alerts and board: Prometheus' own tool reads them, and they ask for metrics that exist."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import REGISTRY

import voting_service.antifraud.metrics
import voting_service.infrastructure.metrics
import voting_service.staff.audit_log.metrics
import voting_service.staff.jobs.metrics
import voting_service.voting.metrics  # noqa: F401  (their metrics are in the registry)
from tests.project.stats import ROOT

DEPLOY = ROOT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
RULES: list[dict[str, Any]] = yaml.safe_load(
    (PROMETHEUS / "alerts.yml").read_text(encoding="utf-8")
)["groups"][0]["rules"]
BOARD = json.loads((DEPLOY / "grafana" / "voting.json").read_text(encoding="utf-8"))
_METRIC = re.compile(r"\bvoting_\w+")
_LABELS = re.compile(r"\b(voting_\w+)\{([^}]*)\}")


def board_expressions() -> Iterator[str]:
    for panel in BOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "5m")


def expressions() -> list[str]:
    return [*(rule["expr"] for rule in RULES), *board_expressions()]


def samples() -> dict[str, set[str]]:
    """Every name that Prometheus reads, with its labels."""
    result: dict[str, set[str]] = {}
    for collector in set(REGISTRY._collector_to_names):
        labels = set(getattr(collector, "_labelnames", ()))
        for name in REGISTRY._collector_to_names[collector]:
            result[name] = labels
    return result


def promtool(*words: str, folder: Path) -> str:
    result = subprocess.run(
        ["promtool", *words], cwd=folder, check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_promtool_takes_configuration_and_rules_and_they_ring_when_they_should() -> None:
    promtool("check", "config", "prometheus.yml", folder=PROMETHEUS)
    assert f"{len(RULES)} rules found" in promtool(
        "check", "rules", "alerts.yml", folder=PROMETHEUS
    )
    promtool("test", "rules", "alerts_test.yml", folder=PROMETHEUS)


def test_promtool_takes_every_question_of_the_board(tmp_path: Path) -> None:
    questions = [
        {"record": f"voting:panel{number}", "expr": expression}
        for number, expression in enumerate(board_expressions())
    ]
    text = yaml.safe_dump({"groups": [{"name": "board", "rules": questions}]})
    (tmp_path / "board.yml").write_text(text, encoding="utf-8")
    assert len(questions) > 20
    promtool("check", "rules", "board.yml", folder=tmp_path)


def test_every_metric_that_is_asked_for_exists_and_every_one_is_shown() -> None:
    labels_by_name = samples()
    assert {
        name for text in expressions() for name in _METRIC.findall(text)
    } <= labels_by_name.keys()
    shown = {name for text in board_expressions() for name in _METRIC.findall(text)}
    ours = {
        name
        for collector, names in REGISTRY._collector_to_names.items()
        for name in names[:1]
        if name.startswith("voting_")
    }
    missing = {name for name in ours if not any(seen.startswith(name) for seen in shown)}
    assert missing == set(), "show it on the board"


def test_every_label_that_is_asked_for_exists() -> None:
    labels_by_name = samples()
    for text in expressions():
        for name, matchers in _LABELS.findall(text):
            named = set(re.findall(r"(\w+)[=!]", matchers)) - {"le", "job", "instance"}
            assert named <= labels_by_name[name], text


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_has_its_page(rule: dict[str, Any]) -> None:
    document, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    text = (ROOT / document).read_text(encoding="utf-8")
    [page] = re.findall(rf"^## {rule['alert']}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert anchor == rule["alert"].lower()
    for part in ("What it means", "Look", "Do"):
        assert f"**{part}.**" in page
    assert rule["labels"]["severity"] in {"critical", "warning"}


def test_log_lines_that_the_runbook_names_exist() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    named = {
        name
        for part in re.findall(r"[Ll]og: ([^.]*)", text)
        for name in re.findall(r"`(\w+)`", part)
    }
    code = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "voting_service").rglob("*.py")
    )
    assert len(named) > 8
    assert {name for name in named if f'"{name}"' not in code} == set()


def test_the_board_s_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    numbers = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
