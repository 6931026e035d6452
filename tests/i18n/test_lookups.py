"""Every text that the code or a template looks up exists in every language."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.i18n import lookups
from tests.i18n.lookups import ANY, texts_at
from voting_service.i18n.text import LANGUAGES, Language

# Not while tests are collected: every worker collects them all.
code_lookups = cache(lookups.code_lookups)
template_lookups = cache(lookups.template_lookups)
PLACEHOLDER = re.compile(r"(?<!{){([a-z_0-9]+)[^{}]*}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_code_looks_up_exists(language: Language) -> None:
    assert len(code_lookups()) > 300
    assert not [lookup for lookup in code_lookups() if not texts_at(lookup.chain, language)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_fills_in_every_placeholder(language: Language) -> None:
    assert sum(lookup.given is not None for lookup in code_lookups()) > 100
    lacking = [
        (lookup, text)
        for lookup in code_lookups()
        if lookup.given is not None and ANY not in lookup.chain
        for text in texts_at(lookup.chain, language)
        if not set(PLACEHOLDER.findall(text)) <= lookup.given
    ]
    assert not lacking


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_templates_look_up_exists(language: Language) -> None:
    assert len(template_lookups()) > 1500
    assert not [lookup for lookup in template_lookups() if not texts_at(lookup.chain, language)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_template_prints_a_text_with_its_placeholders(language: Language) -> None:
    assert not [
        (lookup, text)
        for lookup in template_lookups()
        if lookup.bare and ANY not in lookup.chain
        for text in texts_at(lookup.chain, language)
        if isinstance(text, str) and PLACEHOLDER.search(text)
    ]
