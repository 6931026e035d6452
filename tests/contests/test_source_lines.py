"""The line finder against two references: tomllib on ever longer beginnings of the text, and a
writer that remembers where it wrote."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting_service.contests.contest_file.toml_lines import Path, find_lines

TRICKY = '''# a comment = "no key"
plain = 1
"quoted key" . 'other' = """
[not.a.table]
"" x = 1 \\""" still text # no comment
end""""" # two of the five quotes are text
empty = ""
empty_too = """"""
literal = \'\'\'
a = 'b' \\
\'\'\'\'
[table] # ]
date = 1979-05-27 07:32:00 # a blank inside
array = [ # 13
  1, "]", # ]
  [2, { a = [
    3 ], b.c = '#' }],
]
[[list]]
x = 1
[list.below]
y = { z = 2 }
[[list.many]]
[[list.many]]
k = -inf
[ "list" . 'many' . deep ]
v = 1
[[list]]
[[list.many]]
w = "\\u0061"
[later.inner]
[later]
"caf\\u00e9" = 1
'''


def statement_lines(text: str) -> dict[Path, int]:
    """Slow and obvious: a key that appears when another statement is added to what tomllib could
    read so far stands where that statement begins."""
    lines: dict[Path, int] = {}
    physical = text.split("\n")
    read = 0
    for count in range(1, len(physical) + 1):
        try:
            tree = tomllib.loads("\n".join(physical[:count]) + "\n")
        except tomllib.TOMLDecodeError:
            continue
        for path in get_paths(tree):
            lines.setdefault(path, read + 1)
        read = count
    return lines


def get_paths(tree: Any, at: Path = ()) -> Iterator[Path]:
    if at:
        yield at
    if isinstance(tree, dict | list):
        for part, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from get_paths(value, (*at, part))


def test_finds_every_tricky_place() -> None:
    lines = find_lines(TRICKY)
    physical = TRICKY.split("\n")

    def standing_at(*path: str | int) -> str:
        return physical[lines[path] - 1]

    assert set(lines) == set(get_paths(tomllib.loads(TRICKY)))
    assert standing_at("plain") == "plain = 1"
    assert standing_at("quoted key", "other").startswith('"quoted key"')
    assert standing_at("empty") == 'empty = ""'
    assert standing_at("literal") == "literal = '''"
    assert standing_at("table", "array", 1) == '  1, "]", # ]'
    assert standing_at("table", "array", 2, 1) == "  [2, { a = ["
    assert standing_at("table", "array", 2, 1, "a", 0) == "    3 ], b.c = '#' }],"
    assert standing_at("table", "array", 2, 1, "b", "c") == "    3 ], b.c = '#' }],"
    assert standing_at("list", 0, "many", 1, "deep", "v") == "v = 1"
    assert standing_at("list", 1, "many", 0, "w") == 'w = "\\u0061"'
    assert standing_at("later") == "[later]"
    assert standing_at("later", "café").startswith('"caf')


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_endings_do_not_matter(ending: str) -> None:
    assert find_lines(TRICKY.replace("\n", ending)) == find_lines(TRICKY)


KEYS = st.sampled_from(["a", "b", "c-1", "ä", "d.e", "[f]", 'q"', "#", "'", ""])
TEXTS = st.text(st.sampled_from("ab[]{}#=,.\"'\\\n \u4e2d"), max_size=12)


class Writer:
    """Writes random TOML and remembers the line of everything it writes."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Path, int] = {}

    def write(self) -> None:
        self.pairs(())
        for key in self.draw(st.lists(KEYS, unique=True, max_size=3)):
            if (key,) in self.lines:
                continue
            if self.draw(st.booleans()):
                self.mark((key,))
                for index in range(self.draw(st.integers(1, 3))):
                    self.mark((key, index))
                    self.text += f"[[{self.key(key)}]]{self.rest()}"
                    self.pairs((key, index))
                    self.mark((key, index, "below"))
                    self.text += f"[ {self.key(key)} .below]{self.rest()}"
                    self.pairs((key, index, "below"))
            else:
                self.mark((key,))
                self.text += f"[{self.key(key)}]{self.rest()}"
                self.pairs((key,))

    def mark(self, path: Path) -> None:
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def rest(self) -> str:
        """What may follow a statement."""
        return self.draw(st.sampled_from(["\n", " # [x] = '''\n", '\n\n  # "\n', "\t\n  "]))

    def blank(self) -> str:
        """What may stand between the elements of an array."""
        return self.draw(st.sampled_from(["", " ", "\n", ' # ] , "\n ']))

    def key(self, key: str) -> str:
        if key and key.replace("-", "").isascii() and key.replace("-", "").isalnum():
            return key
        if "'" not in key and self.draw(st.booleans()):
            return f"'{key}'"
        return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def pairs(self, table: Path, *, inline: bool = False) -> None:
        for key in self.draw(st.lists(KEYS, unique=True, max_size=3)):
            path = (*table, key)
            self.mark(path)
            self.text += self.key(key)
            if self.draw(st.booleans()):
                self.text += " . x"
                path = (*path, "x")
                self.mark(path)
            self.text += " = "
            self.value(path, depth=0)
            self.text += ", " if inline else self.rest()
        if inline and self.text.endswith(", "):
            self.text = self.text[:-2]

    def value(self, path: Path, depth: int) -> None:
        kind = self.draw(st.integers(0, 6 if depth < 3 else 4))
        if kind == 0:
            self.text += self.draw(
                st.sampled_from(["1", "-0.5", "true", "07:32:00", "1979-05-27 07:32:00Z"])
            )
        elif kind <= 4:
            self.text += self.string(kind)
        elif kind == 5:
            self.text += "[" + self.blank()
            for index in range(self.draw(st.integers(0, 3))):
                self.mark((*path, index))
                self.value((*path, index), depth + 1)
                self.text += self.blank() + "," + self.blank()
            self.text += "]"
        else:
            self.text += "{ "
            self.pairs(path, inline=True)
            self.text += " }"

    def string(self, kind: int) -> str:
        text = self.draw(TEXTS)
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        if kind == 1:
            return '"' + escaped.replace("\n", "\\n") + '"'
        if kind == 2:
            return f'"""{escaped}' + self.draw(st.sampled_from(["", '"', '""'])) + '"""'
        plain = text.replace("'", "")
        if kind == 3:
            return "'" + plain.replace("\n", "") + "'"
        return f"'''{plain}" + self.draw(st.sampled_from(["", "'", "''"])) + "'''"


@st.composite
def written(draw: st.DrawFn) -> Writer:
    writer = Writer(draw)
    writer.write()
    return writer


@given(written())
def test_agrees_with_who_wrote_it(writer: Writer) -> None:
    assert set(writer.lines) == set(get_paths(tomllib.loads(writer.text)))
    assert find_lines(writer.text) == writer.lines


@given(written())
def test_agrees_with_tomllib_on_beginnings(writer: Writer) -> None:
    reference = statement_lines(writer.text)
    lines = find_lines(writer.text)
    assert set(lines) == set(reference)
    starts = set(reference.values())
    for path, line in lines.items():
        # What is inside a value may stand further down, but before the next statement.
        assert max(start for start in starts if start <= line) == reference[path]
