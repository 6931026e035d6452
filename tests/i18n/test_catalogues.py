"""The catalogues: every language has the same texts with the same placeholders."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from voting_service.i18n.catalogues import load_catalogue, locale_folder
from voting_service.i18n.text import LANGUAGES, Language

DOMAINS = sorted(path.stem for path in (locale_folder() / "zh" / "LC_MESSAGES").glob("*.po"))
PAGES = [domain for domain in DOMAINS if not domain.startswith("errors")]
PLACEHOLDER = re.compile(r"{[^{}]*?(?=(?:\.(?:zh|en))?})")


@cache
def messages(domain: str, language: Language) -> dict[tuple[str, str], str]:
    path = locale_folder() / language / "LC_MESSAGES" / f"{domain}.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    return {
        (message.context or "", str(message.id)): str(message.string)
        for message in catalogue
        if message.id
    }


def test_every_language_has_every_domain() -> None:
    for language in LANGUAGES:
        folder = locale_folder() / language / "LC_MESSAGES"
        assert sorted(path.stem for path in folder.iterdir()) == DOMAINS
    assert len(DOMAINS) > 1


@pytest.mark.parametrize("domain", PAGES)
def test_all_languages_have_the_same_texts_and_placeholders(domain: str) -> None:
    zh, en = (messages(domain, language) for language in LANGUAGES)
    assert zh.keys() == en.keys()
    assert not [name for name in zh if bool(zh[name]) != bool(en[name]) and name[1] != "separator"]
    differing = {
        name: (zh[name], en[name])
        for name in zh
        if set(PLACEHOLDER.findall(zh[name])) != set(PLACEHOLDER.findall(en[name]))
    }
    assert not differing


def test_a_section_of_numbers_is_a_list_in_their_order() -> None:
    forbidden = load_catalogue("public", "en")["rules"]["forbidden"]["items"]
    assert isinstance(forbidden, tuple)
    assert len(forbidden) > 1


def test_no_template_prints_a_method_of_a_dictionary_for_a_text() -> None:
    """`texts.copy` is the method, `texts["copy"]` the text."""
    method = re.compile(r"\{\{[^}]*\.(?:copy|clear|pop|popitem|update|setdefault)\b(?!\()")
    templates = sorted((Path(__file__).parents[2] / "voting_service").rglob("templates/**/*.html"))
    assert len(templates) > 50
    assert [path.name for path in templates if method.search(path.read_text("utf-8"))] == []
