"""Pages stay usable where a browser of docs/browsers.md drops what it does not know of our styles.

A browser drops a declaration whose property or value it does not know, and a rule of which it does
not know one selector. So what is newer stands after an older declaration of the same property or
inside @supports, and newer selectors stand in rules of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]

NEWER_VALUE = re.compile(
    r"\b(?:min|max|clamp)\(|\d[dsl]v[hw]\b|\b(?:color-mix|light-dark|oklch)\(|^inline-(?:start|end)$"
)
NEWER_SELECTOR = re.compile(r":(?:has|is|where)\(|:focus-visible|:not\([^)]*,|&")
NEWER_PROPERTY = re.compile(
    r"inset|translate$|rotate$|scale$|container|content-visibility$|backdrop-filter$|all$|overscroll"
)
"""Without harm are lost: aspect-ratio (a picture has the shape of its file), logical margins,
paddings and borders, accent-color, text-wrap, color-scheme, how far a line is from its text."""
ROW = re.compile(r"(?:inline-)?flex$")
NO_GAPS = "@supports not (inset: 0)"
"""Where rows have no gaps either."""


class Rule(NamedTuple):
    selectors: list[str]
    declarations: list[tuple[str, str]]
    line: int
    conditions: tuple[str, ...]


def read_rules(sheet: str) -> Iterator[Rule]:
    """Every rule, those inside at-rules with the conditions they stand under."""
    text = re.sub(
        r"/\*.*?\*/", lambda comment: "\n" * comment[0].count("\n"), sheet, flags=re.DOTALL
    )
    open_rules: list[tuple[str, int, list[tuple[str, str]]]] = []
    start = 0
    for mark in re.finditer(r"[{};]", text):
        part = text[start : mark.start()].strip()
        start = mark.end()
        if mark[0] == "{":
            open_rules.append((part, text.count("\n", 0, mark.start()) + 1, []))
            continue
        if part and open_rules:
            name, _, value = part.partition(":")
            open_rules[-1][2].append((name.strip(), value.strip()))
        if mark[0] == "}":
            head, line, declarations = open_rules.pop()
            if not head.startswith("@"):
                selectors = [selector.strip() for selector in re.split(r",(?![^(]*\))", head)]
                yield Rule(selectors, declarations, line, tuple(outer[0] for outer in open_rules))


def dropped(sheet: str, shared: str = "") -> list[str]:
    """Return what browsers at the floor drop of a sheet and its pages need; `shared` is the sheet
    that comes before it."""
    rules = list(read_rules(sheet))
    spaced = {
        selector
        for rule in [*rules, *read_rules(shared)]
        if NO_GAPS in rule.conditions
        for selector in rule.selectors
    }
    result: list[str] = []
    for rule in rules:
        if any(condition.startswith("@supports") for condition in rule.conditions):
            continue
        newer = [s for s in rule.selectors if NEWER_SELECTOR.search(s)]
        if newer and (len(newer) < len(rule.selectors) or "&" in newer[0]):
            result.append(f"{rule.line}: {newer[0]} takes its rule with it")
        result += [f"{rule.line}: {what}" for what in _dropped_declarations(rule)]
        rows = {f"{selector} > *" for selector in _rows(rule)}
        result += [f"{rule.line}: no gap in {row}" for row in sorted(rows - spaced)]
    return result


def _dropped_declarations(rule: Rule) -> Iterator[str]:
    older: set[str] = set()
    for name, value in rule.declarations:
        if not NEWER_PROPERTY.match(name) and not NEWER_VALUE.search(value):
            older.add(name)
        elif name not in older or "var(" in value:  # var() hides from the browser what it knows
            yield f"{name}: {value}"


def _rows(rule: Rule) -> list[str]:
    """The selectors whose parts stand beside each other with a gap and nothing else between."""
    values = dict(rule.declarations)
    gap = values.get("gap", "0").split()[-1]
    is_row = ROW.match(values.get("display", "")) and values.get("flex-direction") != "column"
    if not is_row or gap == "0" or values.get("justify-content") == "space-between":
        return []
    return rule.selectors


def test_our_styles_are_old_enough() -> None:
    shared = (ROOT / "voting_service/sites/shared/look/static/look.css").read_text(encoding="utf-8")
    sheets = [
        sheet
        for sheet in sorted((ROOT / "voting_service").rglob("static/*.css"))
        if "vendor" not in sheet.parts
    ]
    assert len(sheets) > 10
    assert [
        f"{sheet.relative_to(ROOT)}:{what}"
        for sheet in sheets
        for what in dropped(sheet.read_text(encoding="utf-8"), shared)
    ] == []


@pytest.mark.parametrize(
    "newer",
    [
        "a { width: min(1px, 2px) }",
        "a { width: 1px; width: min(var(--a), 2px) }",
        "a { --a: clamp(1px, 2px, 3px) }",
        "a { height: 100dvh }",
        "a { color: color-mix(in srgb, red, blue) }",
        "a { inset: 0 }",
        "a { inset-block-end: 0 }",
        "a { float: inline-end }",
        "a:is(b, c), d { color: red }",
        "a:has(b), c { color: red }",
        "a, b:focus-visible { color: red }",
        "a { & b { color: red } }",
        "a { display: flex; gap: 1px }",
        "@media print { a { display: inline-flex; gap: 0 1px } }",
    ],
)
def test_what_is_dropped_is_noticed(newer: str) -> None:
    assert len(dropped(newer)) == 1


def test_what_has_an_older_way_is_let_through() -> None:
    assert (
        dropped(
            "a { width: 1px; width: min(1px, 2px); grid: minmax(1px, 1fr) }\n"
            "@supports (width: min(1px, 2px)) { a { width: min(var(--a), 2px) } }\n"
            ":focus-visible { color: red } a:has(b) { color: red }\n"
            "a { display: flex; gap: 1px } b { display: flex; gap: 1px 0 }\n"
            "@supports not (inset: 0) { a > * { margin-right: 1px } }"
        )
        == []
    )


def test_a_picture_ends_in_what_every_browser_knows() -> None:
    templates = list((ROOT / "voting_service/sites/public").rglob("*.html"))
    assert len(templates) > 30
    text = "\n".join(template.read_text(encoding="utf-8") for template in templates)
    assert re.findall(r"<img[^>]*(?:avif|webp).*", text) == []


def test_numbers_are_typed_into_fields_that_keep_full_width_digits() -> None:
    """A field of the type `number` swallows what a Chinese keyboard types."""
    templates = list((ROOT / "voting_service/sites").rglob("*.html"))
    assert len(templates) > 100
    assert [t.name for t in templates if 'type="number"' in t.read_text(encoding="utf-8")] == []
