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
    assert not [lookup for lookup in CODE if not texts_at(lookup.chain, language)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_fills_in_every_placeholder(language: Language) -> None:
    assert sum(lookup.given is not None for lookup in CODE) > 100
    lacking = [
        (lookup, text)
        for lookup in CODE
        if lookup.given is not None and ANY not in lookup.chain
        for text in texts_at(lookup.chain, language)
        if not set(PLACEHOLDER.findall(text)) <= lookup.given
    ]
    assert not lacking


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_templates_look_up_exists(language: Language) -> None:
    assert len(TEMPLATES) > 1500
    assert not [lookup for lookup in TEMPLATES if not texts_at(lookup.chain, language)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_template_prints_a_text_with_its_placeholders(language: Language) -> None:
    assert not [
        (lookup, text)
        for lookup in TEMPLATES
        if lookup.bare and ANY not in lookup.chain
        for text in texts_at(lookup.chain, language)
        if isinstance(text, str) and PLACEHOLDER.search(text)
    ]
