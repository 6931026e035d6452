"""The candidates of a contest as lists show them: filtered, searched, and one beside
the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

import msgspec

from voting_service.contests.candidate_search import CandidateSearch
from voting_service.contests.model import LINE_CHARACTERS, Candidate, Contest
from voting_service.i18n import pinyin
from voting_service.i18n.text import LANGUAGES, Language, Text


class ListFilter(NamedTuple):
    """What a reader asked a list for: a district and a trade by their Chinese names, and words.
    Empty: everything."""

    district: str = ""
    trade: str = ""
    q: str = ""

    @classmethod
    def from_query(cls, query_string: bytes) -> ListFilter:
        """Return the filter that an address carries. What it does not know is ignored."""
        if not query_string:
            return EVERYBODY
        fields = dict(parse_qsl(query_string.decode("ascii", "replace")))
        return cls(*(fields.get(name, "").strip()[:LINE_CHARACTERS] for name in cls._fields))

    @property
    def query(self) -> str:
        """The query of an address with this filter: empty, or with its question mark."""
        fields = [(name, value) for name, value in self._asdict().items() if value]
        return f"?{urlencode(fields)}" if fields else ""


EVERYBODY = ListFilter()


class Facet(NamedTuple):
    """A value that the list can be filtered by, and how many candidates have it."""

    value: str
    label: str
    size: int


class Neighbours(NamedTuple):
    """The candidates before and after one; the list is a ring."""

    previous: Candidate
    following: Candidate


class CandidateIndex:
    """The candidates of a contest with what lists need to know of them."""

    def __init__(self, contest: Contest) -> None:
        self._candidates = contest.candidates
        self._search = CandidateSearch(contest.candidates)
        self.keys = self._search.keys
        """What each candidate is found by, for the script."""
        self.names: Mapping[Language, str] = {
            language: _names(contest.candidates, language) for language in LANGUAGES
        }
        """The names by number as JSON, for the script."""
        self.districts: Mapping[Language, tuple[Facet, ...]] = {
            language: _facets((c.district for c in contest.candidates), language)
            for language in LANGUAGES
        }
        self.trades: Mapping[Language, tuple[Facet, ...]] = {
            language: _facets((c.trade for c in contest.candidates), language)
            for language in LANGUAGES
        }

    def find(self, list_filter: ListFilter) -> frozenset[int]:
        """Return the numbers of the candidates that a filter lets through."""
        matches = self._search.find(list_filter.q)
        return frozenset(
            candidate.number
            for candidate in self._candidates
            if candidate.number in matches
            and list_filter.district in ("", candidate.district.zh)
            and list_filter.trade in ("", candidate.trade.zh)
        )

    def neighbours(self, number: int, list_filter: ListFilter) -> Neighbours | None:
        """Return the neighbours by number of a candidate whom the filter lets through, otherwise
        among all; None without any."""
        matches = self.find(list_filter)
        ring = [c for c in self._candidates if c.number in matches or number not in matches]
        place = next(place for place, c in enumerate(ring) if c.number == number)
        if len(ring) == 1:
            return None
        return Neighbours(ring[place - 1], ring[(place + 1) % len(ring)])


def _names(candidates: Iterable[Candidate], language: Language) -> str:
    names = {str(c.number): getattr(c.name, language) for c in candidates}
    return msgspec.json.encode(names).decode()


def _facets(texts: Iterable[Text], language: Language) -> tuple[Facet, ...]:
    """Return the values in the order of their pinyin or of the alphabet."""
    labels: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for text in texts:
        labels.setdefault(text.zh, getattr(text, language))
        counts[text.zh] += 1
    return tuple(
        Facet(value, label, counts[value])
        for value, label in sorted(
            labels.items(), key=lambda item: pinyin.syllables(item[1], with_others=True)
        )
    )
