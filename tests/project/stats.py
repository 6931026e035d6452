"""The state of the code in one table: `make stats`, or `make stats BASE=<revision>` to compare.

Every measure is a function from the modules of voting_service to the places it counts, so that
`make stats LIST='late imports'` can name them. What each row counts:

lines and modules   Python of voting_service, blank lines and comments included.
parameters          functions with six or more named parameters, `self` and `cls` apart.
long functions      functions of more than 70 lines, from `def` to the last line.
formatter and       comments `# fmt: skip`, `# fmt: off` and `# noqa`.
linter exceptions
late imports        imports inside a function.
sentences           strings for people that stand in code: an argument of `raise X(…)`, `Fault(…)`,
                    `Text(…)` or click's functions that write, with three or more words in a row
                    or two or more Chinese characters. Errors in PROGRAMMERS_ERRORS tell a
                    programmer of a fault in the program, and are not counted. Docstrings and the
                    help of options are not strings of these calls; the texts of demo/ are data.
Chinese             lines with a Chinese character in .py and .sql files, comments included,
                    outside demo/.
class names         names that two or more modules give to a class of their own.
doubled blocks      runs of six or more lines that stand elsewhere too. Lines are compared without
                    indentation; comments, imports and lines without a letter are left out.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tokenize
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "voting_service"
MAXIMUM_PARAMETERS = 5
MAXIMUM_FUNCTION_LINES = 70
WINDOW_LINES = 6
PROGRAMMERS_ERRORS = {"AssertionError", "KeyError", "NotImplementedError", "RuntimeError"}
TEXT_CALLS = {"Fault", "Text"}
CLICK_CALLS = {"echo", "secho", "ClickException", "UsageError", "BadParameter", "prompt", "confirm"}

CHINESE = re.compile(r"[\u3400-\u9fff]")
_EXCEPTION = re.compile(r"#\s*(fmt:\s*(?:skip|off)|noqa)\b")
_SENTENCE = re.compile(r"[A-Za-z'’]+,? [A-Za-z'’]+,? [A-Za-z'’]+|[\u3400-\u9fff]{2}")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A source file; `path` is relative to the tree it was read from."""

    path: str
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")

    def functions(self) -> Iterator[Function]:
        return (node for node in self.nodes if isinstance(node, Function))

    def comments(self) -> Iterator[tokenize.TokenInfo]:
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return (token for token in tokens if token.type == tokenize.COMMENT)

    def place(self, line: int, what: str = "") -> str:
        return f"{self.path}:{line} {what}".rstrip()


def read_modules(root: Path, package: str = PACKAGE) -> list[Module]:
    """Return the .py and .sql files of a package, by path."""
    return [
        Module(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted((root / package).rglob("*"))
        if path.suffix in {".py", ".sql"}
    ]


def many_parameters(modules: list[Module]) -> list[str]:
    return [
        module.place(function.lineno, f"{function.name} ({count})")
        for module in modules
        for function in module.functions()
        if (count := _parameters(function.args)) > MAXIMUM_PARAMETERS
    ]


def _parameters(arguments: ast.arguments) -> int:
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(1 for argument in named if argument.arg not in {"self", "cls"})


def long_functions(modules: list[Module]) -> list[str]:
    return [
        module.place(function.lineno, f"{function.name} ({length})")
        for module in modules
        for function in module.functions()
        if (length := (function.end_lineno or 0) - function.lineno + 1) > MAXIMUM_FUNCTION_LINES
    ]


def formatter_exceptions(modules: list[Module]) -> list[str]:
    return _exceptions(modules, "fmt")


def linter_exceptions(modules: list[Module]) -> list[str]:
    return _exceptions(modules, "noqa")


def _exceptions(modules: list[Module], kind: str) -> list[str]:
    return [
        module.place(comment.start[0], comment.string)
        for module in modules
        for comment in module.comments()
        if (match := _EXCEPTION.search(comment.string)) and match[1].startswith(kind)
    ]


def late_imports(modules: list[Module]) -> list[str]:
    return [
        module.place(line)
        for module in modules
        for line in sorted(
            {
                node.lineno
                for function in module.functions()
                for node in ast.walk(function)
                if isinstance(node, ast.Import | ast.ImportFrom)
            }
        )
    ]


def sentences(modules: list[Module]) -> list[str]:
    result = {
        (module.path, literal.lineno): module.place(literal.lineno, text)
        for module in modules
        for call in _calls_for_people(module)
        for literal, text in _literals(call)
        if _SENTENCE.search(text)
    }
    return list(result.values())


def _calls_for_people(module: Module) -> Iterator[ast.Call]:
    text_calls = TEXT_CALLS - ({"Text"} if "/demo/" in module.path else set())
    for node in module.nodes:
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            if _names(node.exc.func)[-1] not in PROGRAMMERS_ERRORS:
                yield node.exc
        elif isinstance(node, ast.Call):
            first, *_, last = [*_names(node.func), *_names(node.func)]
            if first in text_calls or (first == "click" and last in CLICK_CALLS):
                yield node


def _names(function: ast.expr) -> list[str]:
    """Return ["a", "b"] for `a.b`; of other expressions only the last name."""
    if isinstance(function, ast.Attribute):
        return [*_names(function.value), function.attr]
    return [function.id] if isinstance(function, ast.Name) else [""]


def _literals(call: ast.Call) -> Iterator[tuple[ast.expr, str]]:
    """Return the strings among the arguments; a placeholder of an f-string reads as `{}`."""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    while arguments:
        argument = arguments.pop(0)
        if isinstance(argument, ast.IfExp):
            arguments += [argument.body, argument.orelse]
        elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument, argument.value
        elif isinstance(argument, ast.JoinedStr):
            parts = (
                str(part.value) if isinstance(part, ast.Constant) else "{}"
                for part in argument.values
            )
            yield argument, "".join(parts)


def chinese_lines(modules: list[Module]) -> list[str]:
    return [
        module.place(number, line.strip())
        for module in modules
        if "/demo/" not in module.path
        for number, line in enumerate(module.lines, 1)
        if CHINESE.search(line)
    ]


def doubled_class_names(modules: list[Module]) -> list[str]:
    places = defaultdict(list)
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module.place(node.lineno))
    return [f"{name}: {', '.join(owners)}" for name, owners in sorted(places.items()) if owners[1:]]


def doubled_blocks(modules: list[Module]) -> list[str]:
    """Return each copy beyond the first of a block, with the place of the first."""
    first_places: dict[tuple[str, ...], tuple[Module, int]] = {}
    result = []
    for module in modules:
        lines = _comparable_lines(module)
        inside = False
        for start in range(len(lines) - WINDOW_LINES + 1):
            window = lines[start : start + WINDOW_LINES]
            key = tuple(text for _, text in window)
            original, number = first_places.setdefault(key, (module, window[0][0]))
            is_copy = (original, number) != (module, window[0][0])
            if is_copy and not inside:
                result.append(module.place(window[0][0], f"as {original.place(number)}"))
            inside = is_copy
    return result


def _comparable_lines(module: Module) -> list[tuple[int, str]]:
    imported = {
        number
        for node in module.tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return [
        (number, text)
        for number, line in enumerate(module.lines, 1)
        if number not in imported
        and (text := line.strip())
        and not text.startswith("#")
        and re.search(r"[A-Za-z]", text)
    ]


PYTHON_MEASURES: dict[str, Callable[[list[Module]], list[str]]] = {
    "functions with 6 or more parameters": many_parameters,
    "functions over 70 lines": long_functions,
    "formatter exceptions": formatter_exceptions,
    "linter exceptions": linter_exceptions,
    "late imports": late_imports,
    "sentences in code": sentences,
    "class names used for two things": doubled_class_names,
    "doubled blocks of 6 or more lines": doubled_blocks,
}


def find_places(modules: list[Module]) -> dict[str, list[str]]:
    """Return for each measure that should be low the places it counts."""
    python = [module for module in modules if module.is_python]
    places = {name: measure(python) for name, measure in PYTHON_MEASURES.items()}
    return places | {"lines with Chinese in code": chinese_lines(modules)}


def measure(modules: list[Module]) -> dict[str, int]:
    """Return the rows of the table: name and number."""
    lengths = [len(module.lines) for module in modules if module.is_python]
    sizes = {
        "lines": sum(lengths),
        "modules": len(lengths),
        "lines of the median module": round(median(lengths)) if lengths else 0,
        "lines of the longest module": max(lengths, default=0),
    }
    return sizes | {name: len(places) for name, places in find_places(modules).items()}


def read_revision(revision: str) -> list[Module]:
    """Return the modules as they are in a git revision."""
    archive = subprocess.run(
        ["git", "archive", revision, PACKAGE], cwd=ROOT, check=True, stdout=subprocess.PIPE
    ).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        return read_modules(Path(folder))


def render(columns: dict[str, dict[str, int]]) -> str:
    """Return a table with a row for each measure and a column for each revision."""
    names = list(next(iter(columns.values())))
    width = max(map(len, names))
    head = " " * width + "".join(f"{title:>12}" for title in columns)
    rows = (
        f"{name:<{width}}" + "".join(f"{values[name]:>12,}" for values in columns.values())
        for name in names
    )
    return "\n".join([head, *rows])


def main(base: str = "", listed: str = "") -> None:
    now = read_modules(ROOT)
    before = {base: measure(read_revision(base))} if base else {}
    print(render(before | {"now": measure(now)}))
    if listed:
        for name, places in find_places(now).items():
            if listed in name:
                print(f"\n{name}", *places, sep="\n  ")


if __name__ == "__main__":
    main(*sys.argv[1:])
