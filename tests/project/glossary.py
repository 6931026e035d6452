"""Which words of the code and its texts are not those of docs/glossary.md.

`python -m tests.project.glossary` prints for each room how many are left beside how many are
allowed, and `python -m tests.project.glossary voting` every place of the rooms whose name begins
so. A finding is one of:

a banned word   in an identifier (a function, class, argument, variable, module, log event, metric;
                a table or function of the schema), in prose (a docstring, a comment, the help of a
                metric), or in an English catalogue. BANNED_NAMES applies to whole identifiers, the
                others to the words of identifiers and of prose.
an unknown term a word in the name of a package or public class of a domain room that is neither in
                the glossary nor in GENERAL_WORDS.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from tests.project.stats import PACKAGE, ROOT, Module, read_modules

GLOSSARY = ROOT / "docs" / "glossary.md"
DOMAIN_ROOMS = ("antifraud", "contests", "nomination", "staff", "voting")

BANNED_NAMES = {
    **dict.fromkeys(
        ("asked", "each", "found", "found_one", "known", "one", "said", "told", "wanted"),
        "the noun it stands for",
    ),
    "board": "what the object holds",
    "book": "cache",
    "cautious_now": "conservative_now",
    "closed_until": "open_until",
    "account_csrf_token": "csrf_token",
    "matter": "approval request, or its target",
    "spent": "used",
    "way": "NavItem",
    "ways": "navigation",
}
"""Whole identifiers."""

BANNED_WORDS = {
    "anew": "again",
    "desk": "console, or what the object holds",
    "dossier": "recommendation",
    "dossiers": "recommendations",
    "face": "site, app or theme",
    "faces": "sites, apps or themes",
    "farewell": "the literal event",
    "journal": "audit log",
    "lit": "active",
    "meanwhile": "since, or name the event",
    "office": "nomination, console, or joint office",
    "papers": "documents",
    "picks": "shortlist",
    "reseal": "rotate keys",
    "resealed": "re-encrypted",
    "seal": "MAC, signature or encryption",
    "sealed": "encrypted, signed or secret",
    "seals": "MACs, signatures or encryption",
    "settle": "resolve",
    "settled": "resolved",
    "settles": "resolves",
    "shelf": "cache",
    "spared": "circuit open",
    "whoever": "name the person or program",
}

BANNED_PHRASES = {
    r"says": "is, contains or returns",
    r"(?:is|are|was|were) (?:away|not there)": "is unavailable",
    r"told": "is shown, or gets",
    r"becom\w+ of|became of": "name the outcome",
    r"(?:come|comes|came|coming) over": "sign in through, or arrive",
    r"turn(?:s|ed|ing)? down": "reject",
    r"hand(?:s|ed|ing)? in": "submit",
    r"hand(?:s|ed|ing)? over": "publish to the contest, or pass on",
    r"(?:take|takes|took|taken) back": "withdraw",
    r"the fifty": "the shortlist",
}

ALLOWED = (
    (r"\bjoint office\b|\{office\}", "the name of an authority"),
    (
        r"\bface (?:and|or|of|the|of a|is) |\bfaces are\b|\bface height\b",
        "a face in a photo, or the verb",
    ),
    (r"`seal`", "the field of a receipt in the API"),
    (r"\b(?:type|font)faces?\b|\bfont.face\b|@font-face", "typography"),
)
"""Where a banned word is honest English or the name of something outside: pattern, reason."""

ALLOWED_NAMES = {
    "as_of": "the moment that figures hold for, as in accounting",
    "office": "the joint office in a selection's rules",
    "office_address": "where it is",
    "seal": "the field of a receipt in the API",
}

_GENERAL = """
absent accepted access actor admitter agent already announced another answer api aspect assembly
at attempt attribute attributes awarded baseline batch both break breaker burst cache cast cell
cells chain challenged change changed chart check checks claims class classified clean cleaner close
cloud cluster column columns committed config connect content contents context counted counter
credential database day decision delta dependencies described detector device devices difference
docx draft drawing early edit edited encrypted end entry facts fault feed few figures file filter
filters frame from gee granted group head heat hidden history holder hour imported info invited
job jwt kind late line list listed live loaded local locked loose many map meeting
minute minuted moment month named names neighbour networks new offered open operator opinion
options order origin outcome pack packed page pair paragraph part payload pending person photo
pipeline place plain policy population price print probe proposal published question questioned
queue ranked reader rebuilt recommended registry rejected relationships removal render rendered
renderer repeat repeated replacement replayed reported resolved response reviewed row rules scan
secret secrets section sender service set setting shared shortlisted signatures signed single
solution solved step stored strictness subject submitted table target task tencent test text times
token tokens too tools totals trace tries turnstile types undecided unsubmitted used value verified
verifier version view wechat window word writer written xml yidun
"""
GENERAL_WORDS = frozenset(_GENERAL.split())
"""English and technical words in names of classes and packages that need no entry."""

LOG_CALLS = {"debug", "info", "warning", "error", "exception", "critical"}
METRICS = {"Counter", "Gauge", "Histogram", "Summary"}

ABOUT_WORDS = {"tests/project/glossary.py", "tests/project/test_glossary.py"}
"""Modules that quote the banned words."""

Reader = Callable[[Module], Iterator[tuple[int, str]]]
Search = Callable[[str], list[tuple[str, str]]]


@dataclass(frozen=True)
class Finding:
    """A word to replace; `room` is what room_name returns, or `locale`."""

    room: str
    place: str
    word: str
    instead: str


def room_name(path: str) -> str:
    """Return `voting` or `sites/console`; outside voting_service the first folder."""
    parts = path.split("/")
    if parts[0] != PACKAGE:
        return parts[0]
    depth = 3 if parts[1] == "sites" else 2
    return "/".join(parts[1:depth]) if len(parts) > depth else "top"


def split_words(name: str) -> list[str]:
    """Return the lower-case words of an identifier in snake or camel case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def banned_in_name(name: str) -> list[tuple[str, str]]:
    """Return the banned words of an identifier, each with what to write instead."""
    if name in ALLOWED_NAMES:
        return []
    if name in BANNED_NAMES:
        return [(name, BANNED_NAMES[name])]
    words = list(banned_in_prose(" ".join(split_words(name))))
    if name.endswith("_of"):
        words.append((name, "a verb, or a property"))
    return words


_PROSE = [
    (re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), instead)
    for pattern, instead in [*BANNED_WORDS.items(), *BANNED_PHRASES.items()]
]
_ANY_OF_THEM = re.compile(rf"\b(?:{'|'.join([*BANNED_WORDS, *BANNED_PHRASES])})\b", re.IGNORECASE)


@cache
def banned_in_prose(text: str) -> list[tuple[str, str]]:
    """Return the banned words and phrases of a docstring or text, each with what to write."""
    if not _ANY_OF_THEM.search(text):
        return []
    for pattern, _ in ALLOWED:
        text = re.sub(pattern, " ", text, flags=re.IGNORECASE)
    return [(match[0], instead) for pattern, instead in _PROSE for match in pattern.finditer(text)]


def defined_names(module: Module) -> Iterator[tuple[int, str]]:
    """Return what a module names, each once with its first line, its own name included."""
    seen: dict[str, int] = {}
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            seen.setdefault(node.name, node.lineno)
        elif isinstance(node, ast.arg):
            seen.setdefault(node.arg, node.lineno)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            seen.setdefault(node.id, node.lineno)
    stem = Path(module.path).stem
    if stem != "__init__":
        seen.setdefault(stem, 1)
    yield from ((line, name) for name, line in seen.items())


def recorded_names(module: Module) -> Iterator[tuple[int, str]]:
    """Return the log events and the names of metrics, with their lines."""
    for call in _calls(module):
        if _last_name(call.func) in {*LOG_CALLS, *METRICS} and (text := _string(call, 0)):
            yield call.lineno, text


def metric_help(module: Module) -> Iterator[tuple[int, str]]:
    """Return the help texts of metrics, with their lines."""
    for call in _calls(module):
        if _last_name(call.func) in METRICS and (text := _string(call, 1)):
            yield call.lineno, text


def _calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in module.nodes if isinstance(node, ast.Call))


def _last_name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _string(call: ast.Call, index: int) -> str:
    argument = call.args[index] if len(call.args) > index else None
    is_text = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    return str(argument.value) if is_text and isinstance(argument, ast.Constant) else ""


def docstrings(module: Module) -> Iterator[tuple[int, str]]:
    """Return the strings that stand alone as a statement, with their lines."""
    for node in module.nodes:
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.lineno, node.value.value


def comments(module: Module) -> Iterator[tuple[int, str]]:
    """Return the comments with their lines; a module without a suspect line is not tokenized."""
    if not any("#" in line and _ANY_OF_THEM.search(line) for line in module.lines):
        return iter(())
    return ((comment.start[0], comment.string) for comment in module.comments())


def find_in_module(module: Module) -> Iterator[Finding]:
    """Return the banned words of a Python module."""
    searches: tuple[tuple[Reader, Search], ...] = (
        (defined_names, banned_in_name),
        (recorded_names, banned_in_name),
        (docstrings, banned_in_prose),
        (comments, banned_in_prose),
        (metric_help, banned_in_prose),
    )
    for read, search in searches:
        for line, text in read(module):
            for word, instead in search(text):
                yield Finding(room_name(module.path), module.place(line), word, instead)


def find_in_schema(module: Module) -> Iterator[Finding]:
    """Return the banned words in the names of schemas, tables, views, functions, indexes, triggers
    and constraints."""
    names = (
        r"^create (?:unique )?(?:schema|table|view|function|index|trigger) ([\w.]+)"
        r"|\bconstraint (?:= ')?(\w+)"
    )
    for match in re.finditer(names, module.text, re.M):
        name = match[1] or match[2]
        line = module.text.count("\n", 0, match.start()) + 1
        for word, instead in banned_in_name(name):
            yield Finding("migrations", module.place(line, name), word, instead)


def find_in_catalogue(path: Path) -> Iterator[Finding]:
    """Return the banned words of an English catalogue."""
    with path.open("rb") as file:
        catalogue = read_po(file)
    for message in catalogue:
        if message.id and isinstance(message.string, str):
            for word, instead in banned_in_prose(message.string):
                place = f"{path.name}:{message.lineno} {message.id}"
                yield Finding("locale", place, word, instead)


@dataclass(frozen=True)
class Entry:
    """One term: the English word, the Chinese one, its place in code, a sentence in each."""

    term: str
    chinese: str
    code: str
    sentence: str
    chinese_sentence: str


def read_glossary(text: str) -> list[Entry]:
    """Return the entries in the order of the file."""
    pattern = r"^\*\*(.+?)\*\* · (.+?) · (.+?) *\n(.+?) *\n(.+?) *$"
    return [Entry(*match.groups()) for match in re.finditer(pattern, text, re.MULTILINE)]


def known_words(entries: list[Entry]) -> set[str]:
    """Return the words of the terms and of the classes and packages that their entries name."""
    names = [entry.term for entry in entries]
    names += [name for entry in entries for name in re.findall(r"`([\w/.]+)`", entry.code)]
    return {word for name in names for word in split_words(name)}


def is_known(word: str, known: set[str]) -> bool:
    """Whether a word, or the singular of it, is known."""
    singular = (word.removesuffix("s"), word.removesuffix("es"), re.sub("ies$", "y", word))
    return bool({word, *singular} & known)


def domain_names(module: Module) -> Iterator[tuple[int, str]]:
    """Return the public classes of a module of a domain room, and its package's own name."""
    if module.path.split("/")[1] not in DOMAIN_ROOMS:
        return
    path = Path(module.path)
    if path.name == "__init__.py":
        yield 1, path.parent.name
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.lineno, node.name


def find_unknown_terms(module: Module, known: set[str]) -> Iterator[Finding]:
    """Return the words in names of the domain that nobody has defined."""
    for line, name in domain_names(module):
        for word in split_words(name):
            if not is_known(word, known):
                place = module.place(line, name)
                yield Finding(room_name(module.path), place, word, "a term of docs/glossary.md")


def find_all() -> list[Finding]:
    """Return every finding of the tree."""
    modules = [module for module in read_modules(ROOT) if module.is_python]
    helpers = [
        module
        for folder in ("tests", "loadtests")
        for module in read_modules(ROOT, folder)
        if module.is_python and module.path not in ABOUT_WORDS
    ]
    known = known_words(read_glossary(GLOSSARY.read_text(encoding="utf-8"))) | GENERAL_WORDS
    catalogues = sorted((ROOT / "locale" / "en" / "LC_MESSAGES").glob("*.po"))
    schema = [module for module in read_modules(ROOT, "migrations") if not module.is_python]
    return [
        *(finding for module in [*modules, *helpers] for finding in find_in_module(module)),
        *(finding for module in modules for finding in find_unknown_terms(module, known)),
        *(finding for module in schema for finding in find_in_schema(module)),
        *(finding for path in catalogues for finding in find_in_catalogue(path)),
    ]


def count_by_room(findings: list[Finding]) -> Counter[str]:
    return Counter(finding.room for finding in findings)


def main(room: str | None = None) -> None:
    findings = find_all()
    if room is None:
        counts = count_by_room(findings)
        for name, count in sorted(counts.items()):
            print(f"{name:<24}{count:>6}")
        return
    for finding in findings:
        if finding.room.startswith(room):
            print(f"{finding.place}  {finding.word!r}: {finding.instead}")


if __name__ == "__main__":
    main(*sys.argv[1:])
