"""From a template and data to a PDF.

Data reaches a template as JSON (`json("data.json")`), never as part of its text, so nothing in
it can be markup. A process of its own sets each document: it can be ended when it takes too long,
and what it needs in memory is bounded and given back. The same data gives the same bytes.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import msgspec

from voting_service.errors import MissingGlyphs, Unavailable
from voting_service.typesetting.glyphs import FONTS, missing_glyphs

TIMEOUT_SECONDS = 60.0
"""A report takes half a second, a table of 490 pages took 29 seconds on a busy machine."""

AT_ONCE = 2
"""Documents set in the background at one time; further ones wait for their turn."""

SHARED = ("base.typ", "charts.typ")
"""What every template may import beside its own files."""

_PRESS = Path(__file__).with_name("press.py")
_NO_ASSETS: Mapping[str, bytes] = MappingProxyType({})
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="typesetting")


class TypesettingFailed(Exception):
    """The template is wrong, or was given data it does not expect: a fault of ours."""


def typeset(
    package: str,
    template: str,
    data: Any,
    *,
    assets: Mapping[str, bytes] = _NO_ASSETS,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> bytes:
    """The PDF of `template`, a .typ file of `package` (`__package__` of the caller).

    `data` is anything that msgspec can write as JSON. `assets` are files the template may name,
    such as pictures. Blocks: use `typeset_in_background` on an event loop. Raises MissingGlyphs
    for characters that the fonts cannot print, Unavailable when it takes too long, and
    TypesettingFailed, also for want of memory.
    """
    encoded = msgspec.json.encode(data)
    source = resources.files(package).joinpath(template).read_text(encoding="utf-8")
    _check_glyphs(source, msgspec.json.decode(encoded))
    shared = resources.files(__package__)
    files = {
        **assets,
        **{name: shared.joinpath(name).read_bytes() for name in SHARED},
        "data.json": encoded,
        "main.typ": source.encode(),
    }
    with TemporaryDirectory(prefix="typesetting-") as folder:
        for name, content in files.items():
            if Path(name).name != name:
                raise TypesettingFailed(f"{template}: the asset {name!r} must be a plain file name")
            Path(folder, name).write_bytes(content)
        return _press(template, folder, timeout_seconds)


async def typeset_in_background(
    package: str, template: str, data: Any, *, assets: Mapping[str, bytes] = _NO_ASSETS
) -> bytes:
    """`typeset` beside the event loop, at most AT_ONCE at a time."""
    return await in_background(lambda: typeset(package, template, data, assets=assets))


async def in_background(make: Callable[[], bytes]) -> bytes:
    """The same for whatever makes a document, with all that goes before setting it."""
    return await asyncio.get_running_loop().run_in_executor(_threads, make)


def _check_glyphs(source: str, data: Any) -> None:
    missing = dict.fromkeys(missing_glyphs(source))
    for text in _texts(data):
        missing.update(dict.fromkeys(missing_glyphs(text)))
    if missing:
        raise MissingGlyphs(tuple(missing))


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value; a template may print keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _press(template: str, folder: str, timeout_seconds: float) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(_PRESS), folder, str(FONTS)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=timeout_seconds,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(
            f"{template} was not set within {timeout_seconds:g} seconds; print less at once",
            retry_after_seconds=60,
        ) from None
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip()
        raise TypesettingFailed(f"{template} (exit code {done.returncode}): {reason}")
    return done.stdout
