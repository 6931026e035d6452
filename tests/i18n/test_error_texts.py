"""Every error code has a sentence, whose placeholders the code fills in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import voting_service
from tests.i18n.test_catalogues import DOMAINS, messages
from voting_service.errors import Fault, InvalidInput, NotFound, error_domain
from voting_service.i18n.catalogues import find_text
from voting_service.i18n.text import LANGUAGES

PACKAGE = Path(voting_service.__file__).parent
ROOMS = {path.stem for path in PACKAGE.iterdir()}
CODE = re.compile(r"[a-z_0-9]+(\.[a-z_0-9]+)+")
PLACEHOLDER = re.compile(r"{([a-z_0-9]+)[^{}]*}")


def nodes() -> Iterator[ast.AST]:
    """Yield every node of the code's syntax."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


# Not while tests are collected: every worker collects them all.
@cache
def error_classes() -> set[str]:
    """The names of Fault, VotingError and every class derived from it."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for node in nodes()
        if isinstance(node, ast.ClassDef)
    }
    errors = {"Fault", "VotingError"}
    while derived := {name for name in bases if bases[name] & errors} - errors:
        errors |= derived
    return errors


def raised() -> Iterator[tuple[str, set[str]]]:
    """Yield each code that is a literal first or second argument, with the keyword names."""
    for node in nodes():
        if not isinstance(node, ast.Call) or not makes_error(node.func):
            continue
        for argument in node.args[:2]:
            choices = [argument]
            if isinstance(argument, ast.IfExp):
                choices = [argument.body, argument.orelse]
            for constant in choices:
                if isinstance(constant, ast.Constant) and is_code(constant.value):
                    yield str(constant.value), {str(key.arg) for key in node.keywords}


def makes_error(function: ast.expr) -> bool:
    """`NotFound(…)`, `Fault(…)`, `super().__init__(…)` of an error."""
    if isinstance(function, ast.Attribute):
        return function.attr == "__init__"
    return isinstance(function, ast.Name) and function.id in error_classes()


def is_code(value: object) -> bool:
    if not isinstance(value, str) or not CODE.fullmatch(value):
        return False
    return value.partition(".")[0] in ROOMS and error_domain(value) in DOMAINS


@cache
def used_codes() -> list[tuple[str, set[str]]]:
    return sorted(raised(), key=lambda item: item[0])


def test_every_code_has_its_sentence_and_every_sentence_its_code() -> None:
    used = {code for code, _ in used_codes()}
    known_names = {
        f"{context}.{name}"
        for domain in DOMAINS
        if domain.startswith("errors")
        for context, name in messages(domain, "en")
    }
    assert len(used) > 400
    assert not {code for code in used - known_names if code != "errors.verbatim"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_ask_for_nothing_that_the_code_does_not_give(language: str) -> None:
    lacking = []
    for code, names in used_codes():
        text = find_text(error_domain(code), code, "zh" if language == "zh" else "en") or ""
        placeholders = set(PLACEHOLDER.findall(text.replace("{{", "").replace("}}", "")))
        if "None" not in names and not placeholders <= names:
            lacking.append((code, placeholders - names))
    assert not lacking


def test_an_error_speaks_the_reader_s_language() -> None:
    fault = Fault("name-1-zh", "nomination.panel.no_criteria")
    assert str(fault) == "name-1-zh: enter at least one criterion"
    assert fault.text("zh") == "请至少填写一项评分标准。"
    assert InvalidInput(fault, fault).text("zh") == fault.zh * 2
    assert str(NotFound("a sentence of its own")) == "a sentence of its own"
    assert Fault.verbatim("file", "is cut short").text("zh") == "is cut short"
