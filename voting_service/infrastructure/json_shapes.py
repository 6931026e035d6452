"""Say in plain words, in both languages, what a part of a JSON body must be and what it is.

msgspec's own messages name Python types, which people who send JSON from elsewhere do not know.
"""

from __future__ import annotations

import re
from functools import lru_cache, reduce
from typing import Any

import msgspec
from msgspec import inspect

from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text

_STEP = re.compile(r"\.(\w+)|\[(\d+)\]|(\[\.\.\.\])")
_LONGEST_SHOWN = 40
_NO_LIMIT = 2**53
"""From here on a number's upper limit is that of JSON, not a rule to tell people."""

_PLAIN: dict[type, str] = {
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
    inspect.StructType: "object",
    inspect.DictType: "object",
    inspect.DateType: "date",
    inspect.DateTimeType: "moment",
}


def wrong_shape(kind: Any, body: bytes, path: str) -> Text | None:
    """Return the sentence about the value at a path of msgspec (`.choices[0]`) in a body that must
    be a `kind`; None where there is nothing to say."""
    steps = _STEP.findall(path)
    expected = _expected(_type_at(_root(kind), steps))
    if expected is None:
        return None
    try:
        given = describe_value(_value_at(msgspec.json.decode(body), steps))
    except (LookupError, TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        return _text("must_be", expected=expected)  # unreadable behind it, or of too many digits
    return _text("wrong", expected=expected, given=given)


def describe_value(value: Any) -> Text:
    """Return what a value of JSON is; a text may be a secret and is only counted."""
    if value is None or isinstance(value, bool):
        return plain_word(msgspec.json.encode(value).decode())
    if isinstance(value, int | float):
        return _text("value.number", value=str(value)[:_LONGEST_SHOWN])
    if isinstance(value, str):
        if not value:
            return _text("value.empty")
        return _text("value.text", count=len(value))
    return _text("value.list" if isinstance(value, list) else "value.object", count=len(value))


def plain_word(word: str) -> Text:
    """Return a word of JSON or of a standard, which is the same in both languages."""
    return _text("value.word", value=word)


def _text(path: str, **params: Any) -> Text:
    return load_text("errors_infrastructure", f"infrastructure.shapes.{path}", **params)


@lru_cache(maxsize=64)
def _root(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _type_at(kind: inspect.Type, steps: list[tuple[str, str, str]]) -> inspect.Type | None:
    for name, place, any_place in steps:
        inner: inspect.Type | None = None
        for choice in kind.types if isinstance(kind, inspect.UnionType) else (kind,):
            match choice:
                case inspect.StructType(fields=fields) if name:
                    inner = next((f.type for f in fields if f.encode_name == name), inner)
                case inspect.DictType(value_type=value_type) if name or any_place:
                    inner = value_type
                case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item) if (
                    place or any_place
                ):
                    inner = item
                case _:
                    pass
        if inner is None:
            return None
        kind = inner
    return kind


def _value_at(value: Any, steps: list[tuple[str, str, str]]) -> Any:
    """Return the value at a path. Raises LookupError, and TypeError for an unnamed step."""
    for name, place, any_place in steps:
        if any_place:
            raise LookupError(any_place)
        value = value[name if name else int(place)]
    return value


def _expected(kind: inspect.Type | None) -> Text | None:
    match kind:
        case inspect.StrType(pattern=str() as pattern):
            return _text("text_of_form", pattern=pattern)
        case inspect.StrType(min_length=least, max_length=most):
            return _sized("text", least, most)
        case inspect.IntType(ge=least, le=most):
            return _sized("whole_number", least, None if (most or 0) >= _NO_LIMIT else most)
        case inspect.ListType() | inspect.VarTupleType():
            return _sized("list", kind.min_length, kind.max_length)
        case inspect.UnionType(types=types):
            return _union(types)
        case _:
            return _text(_PLAIN[type(kind)]) if type(kind) in _PLAIN else None


def _union(types: tuple[inspect.Type, ...]) -> Text | None:
    choices = [_expected(kind) for kind in types if not isinstance(kind, inspect.NoneType)]
    named = [choice for choice in choices if choice is not None]
    if not named or len(named) < len(choices):
        return None
    either = reduce(lambda first, second: _text("either", first=first, second=second), named)
    return _text("optional", kind=either) if len(choices) < len(types) else either


def _sized(name: str, least: Any, most: Any) -> Text:
    if least is not None and most is not None:
        return _text(f"{name}_between", least=least, most=most)
    if most is not None:
        return _text(f"{name}_at_most", most=most)
    if least is not None:
        return _text(f"{name}_at_least", least=least)
    return _text(name)
