"""The code speaks the words of docs/glossary.md, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project.glossary import (
    BANNED_WORDS,
    GENERAL_WORDS,
    GLOSSARY,
    Entry,
    Finding,
    banned_in_name,
    banned_in_prose,
    find_all,
    find_in_catalogue,
    find_in_module,
    find_in_schema,
    find_unknown_terms,
    known_words,
    read_glossary,
    room_name,
)
from tests.project.stats import CHINESE, Module

ENTRIES = read_glossary(GLOSSARY.read_text(encoding="utf-8"))


def words(findings: list[tuple[str, str]]) -> list[str]:
    return [word for word, _ in findings]


def places(findings: list[Finding]) -> list[tuple[str, int]]:
    """Return word and line of each finding."""
    return [(finding.word, int(finding.place.split(":")[1].split()[0])) for finding in findings]


def test_no_room_has_a_banned_word_or_an_unknown_term() -> None:
    assert [f"{found.place} {found.word}: {found.instead}" for found in find_all()] == []


def test_every_entry_of_the_glossary_is_whole_and_in_order() -> None:
    text = GLOSSARY.read_text(encoding="utf-8")
    assert len(ENTRIES) == text.count("\n**") > 0
    terms = [entry.term.lower() for entry in ENTRIES]
    assert terms == sorted(set(terms))
    for entry in ENTRIES:
        assert CHINESE.search(entry.chinese), entry
        assert entry.sentence.endswith("."), entry
        assert entry.chinese_sentence.endswith("。"), entry


def test_the_glossary_uses_no_banned_word() -> None:
    assert [
        (entry.term, word)
        for entry in ENTRIES
        for word, _ in [*banned_in_name(entry.term), *banned_in_prose(entry.sentence)]
    ] == []


def test_no_word_is_both_general_and_banned() -> None:
    assert GENERAL_WORDS & set(BANNED_WORDS) == set()


@pytest.mark.parametrize(
    ("name", "banned"),
    [
        ("DeskState", ["desk"]),
        ("handed_in_at", ["handed in"]),
        ("subject_of", ["subject_of"]),
        ("found", ["found"]),
        ("SEALED_COLUMNS", ["sealed"]),
        ("not_found", []),
        ("as_of", []),
        ("surface", []),
        ("voting_office_hours", ["office"]),
    ],
)
def test_an_identifier_is_searched_word_by_word(name: str, banned: list[str]) -> None:
    assert words(banned_in_name(name)) == banned


@pytest.mark.parametrize(
    ("text", "banned"),
    [
        ("Whoever asks is told anew.", ["anew", "Whoever", "told"]),
        ("What becomes of a form once it is handed in", ["becomes of", "handed in"]),
        ("the joint office returns it", []),
        ("the office returns it", ["office"]),
        ("a photo of the face of a person", []),
        ("run `voting-service journal verify`", ["journal"]),
    ],
)
def test_prose_is_searched_for_words_and_phrases(text: str, banned: list[str]) -> None:
    assert words(banned_in_prose(text)) == banned


def test_names_prose_events_and_metrics_of_a_module_are_searched() -> None:
    text = '''"""The desk."""
def route(face):  # lit
    """Return what is sealed."""
    found = 1
    logger.info("desk_bug")
Votes = Counter("journal_lines", "Lines told")
'''
    findings = list(find_in_module(Module("voting_service/voting/model.py", text)))
    assert sorted(places(findings), key=lambda place: place[1]) == [
        ("desk", 1),
        ("face", 2),
        ("lit", 2),
        ("sealed", 3),
        ("found", 4),
        ("desk", 5),
        ("journal", 6),
        ("told", 6),
    ]
    assert {finding.room for finding in findings} == {"voting"}


def test_tables_and_catalogues_are_searched(tmp_path: Path) -> None:
    schema = Module(
        "migrations/schema/a.sql",
        "\n-- x\ncreate table voting.papers (\ncreate unique index picks_number on a (b);\n"
        "    using errcode = 'check_violation', constraint = 'sealed_form';\n",
    )
    assert places(list(find_in_schema(schema))) == [("papers", 3), ("picks", 4), ("sealed", 5)]
    catalogue = tmp_path / "console.po"
    catalogue.write_text('msgid "a"\nmsgstr "Load the page anew"\n', encoding="utf-8")
    assert [finding.word for finding in find_in_catalogue(catalogue)] == ["anew"]


def test_a_name_of_the_domain_needs_an_entry() -> None:
    text = "class ScoreSheets: ...\nclass Quorum: ...\nclass _Private: ...\n"
    known = known_words([Entry("score sheet", "评分表", "`nomination/panel`", "A.", "甲。")])
    in_domain = Module("voting_service/nomination/panel/model.py", text)
    assert places(list(find_unknown_terms(in_domain, known))) == [("quorum", 2)]
    package = Module("voting_service/nomination/quorums/__init__.py", "")
    assert places(list(find_unknown_terms(package, known))) == [("quorums", 1)]
    elsewhere = Module("voting_service/infrastructure/a.py", text)
    assert list(find_unknown_terms(elsewhere, known)) == []


@pytest.mark.parametrize(
    ("path", "room"),
    [
        ("voting_service/voting/cut/model.py", "voting"),
        ("voting_service/sites/console/routes.py", "sites/console"),
        ("voting_service/sites/staff_app.py", "top"),
        ("voting_service/errors.py", "top"),
        ("tests/voting/cut/test_cut.py", "tests"),
    ],
)
def test_a_place_belongs_to_a_room(path: str, room: str) -> None:
    assert room_name(path) == room
