"""The demo's candidates in words: crafts.toml and stories.toml put together.

Every number gives the same texts again. Nobody is real: names are those of the cycle of sixty.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from voting_service.i18n.text import LANGUAGES, Text

_YEARS = range(12, 34)
_APPRENTICES = range(8, 41)
_HONOURS = range(2, 5)
_SENTENCE = re.compile("[^\u3002]+\u3002\u201d?")
_REMARK = re.compile("\uff08.*?\uff09$")
"""The remark in brackets at the end of a story, that it is for the demo."""


class Craft(NamedTuple):
    """A trade of the demo with its facts, each a text in both languages."""

    trade: Text
    employer: Text
    deed: Text
    method: Text
    problem: Text
    solution: Text
    result: Text
    second: Text


@cache
def crafts() -> tuple[Craft, ...]:
    """Return the trades of the demo."""
    return tuple(
        Craft(**{field: Text(**texts) for field, texts in craft.items()})
        for craft in _read("crafts.toml")["crafts"]
    )


@cache
def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


def find_craft(number: int) -> Craft:
    """Return the trade of a candidate."""
    return crafts()[(number - 1) % len(crafts())]


def make_name(number: int) -> Text:
    """Return the name of a candidate, a place in the cycle of sixty."""
    names = _read("stories.toml")["names"]

    def spelt(language: str) -> str:
        stems, branches = names["stems"][language], names["branches"][language]
        pattern: str = names["pattern"][language]
        return pattern.format(
            stem=stems[(number - 1) % len(stems)], branch=branches[(number - 1) % len(branches)]
        )

    return Text(**{language: spelt(language) for language in LANGUAGES})


def choose_grade(number: int) -> Text:
    """Return the skill grade of a candidate."""
    return Text(**_choose(_read("stories.toml")["grades"]["all"], number))


def choose_honours(number: int) -> tuple[Text, ...]:
    """Return the honours of a candidate."""
    all_honours = _read("stories.toml")["honours"]["all"]
    return tuple(
        Text(**_choose(all_honours, number * 3 + place))
        for place in range(_choose(_HONOURS, number))
    )


def tell_story(number: int, district: Text) -> Text:
    """Return the story of a candidate, recommended by a district."""
    # A trade that comes again tells of itself in other words.
    seed = number + (number - 1) // len(crafts())

    def compose(language: str) -> str:
        facts = _facts(number, district, language)
        paragraphs = (
            _choose(paragraph["versions"], seed + place)[language].format(**facts)
            for place, paragraph in enumerate(_read("stories.toml")["paragraphs"])
        )
        return "\n".join(filter(None, paragraphs))

    return Text(**{language: compose(language) for language in LANGUAGES})


def write_at_length(number: int, district: Text, characters: int, **facts: str) -> str:
    """Return a Chinese text of whole sentences that is nearly as long as a field may be, and never
    longer; `facts` replace those of the candidate. Each length begins with other versions."""
    names = {**_facts(number, district, "zh"), **facts}
    paragraphs = _read("stories.toml")["paragraphs"]
    text = ""
    for more in range(max(len(paragraph["versions"]) for paragraph in paragraphs)):
        for place, paragraph in enumerate(paragraphs):
            versions = paragraph["versions"]
            if more >= len(versions):
                continue
            version = _choose(versions, number + place + characters // 500 + more)
            for sentence in _SENTENCE.findall(_REMARK.sub("", version["zh"].format(**names))):
                if len(text) + len(sentence) > characters:
                    return text.strip()
                text += sentence
            text += "\n"
    return text.strip()


def _facts(number: int, district: Text, language: str) -> dict[str, Any]:
    return {
        "name": getattr(make_name(number), language),
        "grade": getattr(choose_grade(number), language),
        "district": getattr(district, language),
        "years": _choose(_YEARS, number * 7),
        "apprentices": _choose(_APPRENTICES, number * 11),
        **{field: getattr(text, language) for field, text in find_craft(number)._asdict().items()},
    }


def _choose(choices: Any, number: int) -> Any:
    return choices[number % len(choices)]
