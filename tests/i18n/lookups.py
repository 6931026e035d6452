"""Which texts the code and the templates look up, as far as that shows without running them.

A lookup is a `Chain`: the catalogue's domain and the names below it, such as ("public", "error",
"title"). `ANY` stands for a name that is known only at run time.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes

import voting_service
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language

PACKAGE = Path(voting_service.__file__).parent
ANY = "*"
_DATA = re.compile(r" data-[a-z-]+=\"$")
Chain = tuple[str, ...]
Scope = Mapping[str, Chain | None]


@dataclass(frozen=True)
class Lookup:
    """A chain and where it stands; `bare` if people see the text as it is, without `.format`. What
    stands in a `data-` attribute is for a script, which fills it in. `given` are the parameters
    that the code fills in; None where that cannot be seen."""

    place: str
    chain: Chain
    bare: bool = False
    given: frozenset[str] | None = None


def texts_at(chain: Chain, language: Language) -> list[Any]:
    """Return the texts and sections at a chain; none if the catalogue lacks it. What follows a
    text is one of its methods, such as `format`."""
    values: list[Any] = [load_catalogue(chain[0], language)]
    for name in chain[1:]:
        values = [below for value in values for below in _below(value, name)]
    return values


def _is_known(chain: Chain) -> bool:
    """Return whether a chain names a catalogue and something in it."""
    return len(chain) > 1 and chain[0] != ANY


def _below(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, Mapping) and name in value:
        yield value[name]
    elif isinstance(value, Mapping) and name == ANY:
        yield from value.values()
    elif isinstance(value, tuple) and (name == ANY or name.isdecimal()):
        yield from value
    elif isinstance(value, str) and name == ANY:
        yield value[0]
    elif hasattr(value, name):
        yield value


# Python


def code_lookups() -> list[Lookup]:
    """Return the lookups of all modules."""
    modules = {
        path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))
    }
    getters = _Getters(modules)
    return [
        Lookup(f"{path.relative_to(PACKAGE)}:{line}", chain, given=given)
        for path, tree in modules.items()
        for line, chain, given in _Module(getters.known_in(path), tree).lookups
    ]


@dataclass(frozen=True)
class Getter:
    """A function that returns or prints what is at `chain`; a name `$n` in it is the n-th argument.
    `fills_in` if its keywords are the placeholders' values."""

    chain: Chain
    fills_in: bool = False

    def call(self, call: ast.Call) -> Chain:
        chain: list[str] = []
        for name in self.chain:
            if not name.startswith("$"):
                chain.append(name)
            elif int(name[1:]) < len(call.args):
                chain += _names(call.args[int(name[1:])])
            else:
                chain.append(ANY)
        return tuple(chain)


BASIC = {
    "load_catalogue": Getter(("$0",)),
    "load_text": Getter(("$0", "$1"), fills_in=True),
    "find_text": Getter(("$0", "$1")),
}


class _Getters:
    """The functions that pass their arguments on to the catalogues, by module."""

    def __init__(self, modules: Mapping[Path, ast.Module]) -> None:
        self._imports = {
            path: [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
            for path, tree in modules.items()
        }
        self._own: dict[str, dict[str, Getter]] = {_dotted(path): {} for path in modules}
        for _ in range(2):  # a getter may call another
            for path, tree in modules.items():
                names = self.known_in(path)
                for function in tree.body:
                    if isinstance(function, ast.FunctionDef):
                        chain = _Module(names, ast.Module([], [])).passed_on(function)
                        if chain and chain[0] != ANY and not chain[0].startswith("$"):
                            getter = Getter(chain, fills_in=function.args.kwarg is not None)
                            self._own[_dotted(path)][function.name] = getter

    def known_in(self, path: Path) -> dict[str, Getter]:
        imported = {
            alias.asname or alias.name: self._own.get(node.module or "", {}).get(alias.name)
            for node in self._imports[path]
            for alias in node.names
        }
        getters = {name: getter for name, getter in imported.items() if getter}
        return BASIC | getters | self._own[_dotted(path)]


class _Module:
    """Collects the lookups of a module: of each chain of calls and subscripts the longest."""

    def __init__(self, getters: Mapping[str, Getter], tree: ast.Module) -> None:
        self._getters = getters
        self.lookups: list[tuple[int, Chain, frozenset[str] | None]] = []
        self._visit(tree, {})

    def passed_on(self, function: ast.FunctionDef) -> Chain | None:
        """Return the chain that a function returns or prints, with its parameters as `$n`."""
        scope: dict[str, Chain | None] = {
            argument.arg: (f"${place}",)
            for place, argument in enumerate((*function.args.posonlyargs, *function.args.args))
        }
        scope |= _assigned(self, function, scope)
        returned = [
            node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value
        ]
        chains = {self.chain(value, scope) for value in returned}
        if not returned:
            for statement in function.body:
                self._visit(statement, scope)
            chains = {chain for _, chain, _ in self.lookups}
        return chains.pop() if len(chains) == 1 else None

    def chain(self, node: ast.expr, scope: Scope) -> Chain | None:
        """Return the chain of an expression; None for anything but a lookup."""
        match node:
            case ast.Name(id=name):
                return scope.get(name)
            case ast.Call(func=ast.Name(id=name)) if name in self._getters:
                return self._with_parameters(self._getters[name].call(node), scope)
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="theme"), attr="texts")):
                return ()
            case ast.Subscript(value=value, slice=key):
                base = self.chain(value, scope)
                return None if base is None else base + self._with_parameters(_names(key), scope)
            case ast.Attribute(value=value, attr="en" | "zh"):  # of a Text
                return self.chain(value, scope)
        return None

    def _with_parameters(self, chain: Chain, scope: Scope) -> Chain:
        """Put `$n` for a name of the chain that is a parameter, and ANY for other variables."""
        names: list[str] = []
        for name in chain:
            if not name.startswith("="):
                names.append(name)
                continue
            value = scope.get(name[1:])
            names.append(value[0] if value and len(value) == 1 and value[0][0] == "$" else ANY)
        return tuple(names)

    def _given(self, node: ast.expr) -> frozenset[str] | None:
        while isinstance(node, ast.Attribute):
            node = node.value
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            return None
        names = [keyword.arg for keyword in node.keywords]
        if None in names or not self._getters[node.func.id].fills_in:
            return None
        return frozenset(filter(None, names))

    def _visit(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            inner = dict(scope)
            if not isinstance(node, ast.Module):
                arguments = node.args
                every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
                inner |= dict.fromkeys((argument.arg for argument in every), None)
            scope = inner | _assigned(self, node, inner)
        if isinstance(node, ast.Call) and (variants := _variants(node)):
            for variant in variants:
                self._visit(variant, scope)
            return
        if isinstance(node, ast.expr) and (chain := self.chain(node, scope)) and _is_known(chain):
            self.lookups.append((node.lineno, chain, self._given(node)))
            while isinstance(node, ast.Attribute | ast.Subscript):
                node = node.value
            if isinstance(node, ast.Call):
                for argument in (*node.args, *node.keywords):
                    self._visit(argument, scope)
            return
        for child in ast.iter_child_nodes(node):
            self._visit(child, scope)


def _assigned(
    module: _Module, function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Module, scope: Scope
) -> dict[str, Chain | None]:
    """Return the chains of the function's variables; None for those assigned in two ways."""
    chains: dict[str, Chain | None] = {}
    statements = function.body if isinstance(function, ast.Module) else ast.walk(function)
    for node in statements:
        for name, value in _pairs(node):
            chain = module.chain(value, {**scope, **chains})
            chains[name] = chain if chains.get(name, chain) == chain else None
    return chains


def _pairs(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            for target, value in zip(targets, values, strict=False):
                if isinstance(target, ast.Name):
                    yield target.id, value


def _names(key: ast.expr) -> Chain:
    """Return the names of a key: of "a.b" two, of an f-string ANY for what is filled in, of a
    variable its name after `=`."""
    match key:
        case ast.Constant(value=str(text)):
            return tuple(text.split("."))
        case ast.JoinedStr(values=parts):
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else ANY for part in parts
            )
            return tuple(ANY if ANY in name else name for name in text.split("."))
        case ast.Name(id=name):
            return (f"={name}",)
    return (ANY,)


def _variants(call: ast.Call) -> list[ast.Call]:
    """Return a call for each outcome of the first argument that is a conditional expression."""
    for place, argument in enumerate(call.args):
        if isinstance(argument, ast.IfExp):
            return [
                ast.copy_location(
                    ast.Call(
                        call.func,
                        [*call.args[:place], outcome, *call.args[place + 1 :]],
                        call.keywords,
                    ),
                    call,
                )
                for outcome in (argument.body, argument.orelse)
            ]
    return []


def _dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# Templates


def template_lookups() -> list[Lookup]:
    """Return the lookups of all templates: what begins with `t`, or a name set to a part of it.
    `t` holds one catalogue on the public pages, and the staff's catalogues by domain; `look` is the
    catalogue that all sites share."""
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    collected: list[Lookup] = []
    for path in sorted(PACKAGE.rglob("templates/*")):
        parts = path.relative_to(PACKAGE).parts
        root: Chain = ()
        if parts[:2] == ("sites", "public"):
            root = ("embed",) if parts[2] == "embed" else ("public",)
        tree = environment.parse(path.read_text(encoding="utf-8"))
        visitor = _Template(path.relative_to(PACKAGE).as_posix())
        visitor.visit(tree, {"t": (root,), "look": (("look",),)})
        collected += visitor.lookups
    return collected


class _Template:
    """Collects the lookups of a template. Names that a loop or a macro binds hide those of `set`;
    `t` stays `t`, because macros get it under its name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.lookups: list[Lookup] = []

    def visit(self, node: nodes.Node, scope: dict[str, tuple[Chain, ...]]) -> None:
        match node:
            case nodes.Assign(target=nodes.Name(name=name)):
                scope[name] = self._chains(node.node, scope)
            case nodes.For():
                scope = _without(scope, node.target.find_all(nodes.Name))
            case nodes.Name() if node.ctx == "store":
                return
            case nodes.Macro() | nodes.CallBlock():
                scope = _without(scope, node.args)
            case nodes.Output():
                for before, printed in pairwise([nodes.TemplateData(""), *node.nodes]):
                    if not (isinstance(before, nodes.TemplateData) and _DATA.search(before.data)):
                        self._add(printed, scope, bare=True)
            case nodes.Getattr() | nodes.Getitem() if self._add(node, scope):
                while isinstance(node, nodes.Getattr | nodes.Getitem):
                    if isinstance(node, nodes.Getitem):
                        self.visit(node.arg, scope)
                    node = node.node
                return
        for child in node.iter_child_nodes():
            self.visit(child, scope)

    def _add(
        self, node: nodes.Node, scope: dict[str, tuple[Chain, ...]], *, bare: bool = False
    ) -> bool:
        chains = [chain for chain in self._chains(node, scope) if _is_known(chain)]
        place = f"{self._name}:{node.lineno}"
        self.lookups += (Lookup(place, chain, bare) for chain in chains)
        return bool(chains)

    def _chains(self, node: nodes.Node, scope: dict[str, tuple[Chain, ...]]) -> tuple[Chain, ...]:
        match node:
            case nodes.Name(name=name):
                return scope.get(name, ())
            case nodes.Getattr(node=value, attr=name):
                return tuple((*chain, name) for chain in self._chains(value, scope))
            case nodes.Getitem(node=value, arg=key):
                name = str(key.value) if isinstance(key, nodes.Const) else ANY
                return tuple((*chain, name) for chain in self._chains(value, scope))
            case nodes.CondExpr():
                branches = [branch for branch in (node.expr1, node.expr2) if branch]
                return tuple(chain for branch in branches for chain in self._chains(branch, scope))
            case nodes.Filter(name="safe" | "e" | "escape", node=nodes.Node() as value):
                return self._chains(value, scope)
        return ()


def _without(
    scope: dict[str, tuple[Chain, ...]], names: Iterable[nodes.Name]
) -> dict[str, tuple[Chain, ...]]:
    hidden = {bound.name for bound in names} - {"t"}
    return {name: chains for name, chains in scope.items() if name not in hidden}
