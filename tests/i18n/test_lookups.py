"""Every text that the code or a template looks up exists in every language."""

from __future__ import annotations

import re

import pytest

from tests.i18n.lookups import ANY, code_lookups, template_lookups, texts_at
from voting_service.i18n.text import LANGUAGES, Language

CODE = code_lookups()
TEMPLATES = template_lookups()
PLACEHOLDER = re.compile(r"(?<!{){([a-z_0-9]+)[^{}]*}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_code_looks_up_exists(language: Language) -> None:
    assert len(CODE) > 300
    assert not [each for each in CODE if not texts_at(each.chain, language)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_fills_in_every_placeholder(language: Language) -> None:
    assert sum(each.given is not None for each in CODE) > 100
    lacking = [
        (each, text)
        for each in CODE
        if each.given is not None and ANY not in each.chain
        for text in texts_at(each.chain, language)
        if not set(PLACEHOLDER.findall(text)) <= each.given
    ]
    assert not lacking


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_templates_look_up_exists(language: Language) -> None:
    assert len(TEMPLATES) > 1500
    assert not [each for each in TEMPLATES if not texts_at(each.chain, language)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_template_prints_a_text_with_its_placeholders(language: Language) -> None:
    assert not [
        (each, text)
        for each in TEMPLATES
        if each.bare and ANY not in each.chain
        for text in texts_at(each.chain, language)
        if isinstance(text, str) and PLACEHOLDER.search(text)
    ]
