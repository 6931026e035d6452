"""Search the candidates of a contest by number, name, trade, district or employer. No I/O.

A name is found with any dot between its parts or none, with or without spaces, by its pinyin and by
the initials of its pinyin. The pages' script (search.js) finds the same in the same keys.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product

import regex

from voting_service.contests.model import Candidate
from voting_service.i18n import pinyin

MAX_QUERY_CHARACTERS = 60
_MAX_READINGS = 12
"""Combinations of readings of a name; those of the surname, its first character, come first."""
_READINGS_A_CHARACTER = 3
_MAX_SYLLABLES = 4
"""A longer name is found by its usual reading only."""
_IGNORED = regex.compile(r"[\p{P}\p{S}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Variation_Selector}]")
_NUMBER_SIGN = regex.compile(r"\bno\W*(?=\d)", regex.ASCII)
_NUMBER = regex.compile(r"\D?0*([1-9]\d{0,3})\D?", regex.ASCII)
"""A number, also with a character before or after it that marks it as one."""


def search_key(candidate: Candidate) -> str:
    """Return what a candidate is found by: terms in lower case, separated by spaces."""
    terms = [squash(candidate.name.zh), *_latin_terms(candidate.name.en)]
    for reading in _readings(candidate.name.zh):
        terms += _pinyin_terms(reading)
    for text in (candidate.trade, candidate.district, candidate.employer):
        if text is not None:
            syllables = pinyin.syllables(text.zh)
            initials = "".join(syllable[0] for syllable in syllables)
            terms += [squash(text.zh), "".join(syllables), initials, *_latin_terms(text.en)]
    return " ".join(dict.fromkeys(term for term in terms if term))


def squash(text: str) -> str:
    """Return a text without everything that is written in several ways: in lower case, in its
    compatibility form, without punctuation, spaces and variation selectors."""
    squashed: str = _IGNORED.sub("", unicodedata.normalize("NFKC", text).lower())
    return squashed.replace("ü", "v")


def _readings(name: str) -> Iterable[Sequence[str]]:
    """Return the syllables of a name, in several readings where its characters have them."""
    usual = pinyin.syllables(name)
    if len(usual) > _MAX_SYLLABLES:
        return [usual]
    of_characters = [readings[:_READINGS_A_CHARACTER] for readings in pinyin.readings(name)]
    backwards = islice(product(*reversed(of_characters)), _MAX_READINGS)
    return [usual, *(tuple(reversed(reading)) for reading in backwards)]


def _pinyin_terms(syllables: Sequence[str]) -> Iterator[str]:
    """Yield the pinyin of a name from each syllable on, and the initials of two or more."""
    for start in range(len(syllables)):
        rest = syllables[start:]
        yield "".join(rest)
        if len(rest) > 1:
            yield "".join(syllable[0] for syllable in rest)


def _latin_terms(text: str) -> Iterator[str]:
    """Yield a text as one term, and each of its words."""
    yield squash(text)
    yield from map(squash, text.replace("-", " ").split())


class CandidateSearch:
    """The search keys of a contest's candidates."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self.keys = {candidate.number: search_key(candidate) for candidate in candidates}

    def find(self, query: str) -> frozenset[int]:
        """Return the numbers of the candidates that match every word of a query; all for a query
        without words. A candidate's number finds that candidate only."""
        folded = unicodedata.normalize("NFKC", query[:MAX_QUERY_CHARACTERS]).lower()
        words = map(squash, _NUMBER_SIGN.sub("", folded).split())
        numbers = frozenset(self.keys)
        for word in filter(None, words):
            numbers &= self._find_word(word)
        return numbers

    def _find_word(self, word: str) -> frozenset[int]:
        number = _NUMBER.fullmatch(word)
        if number is not None and int(number[1]) in self.keys:
            return frozenset({int(number[1])})
        # Pinyin and Latin words from their beginning: "an" is not in "wan".
        looked_for = f" {word}" if word.isascii() else word
        return frozenset(n for n, key in self.keys.items() if looked_for in f" {key}")
