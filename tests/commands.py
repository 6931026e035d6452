"""The command line on a test's stores, as staff use it: in the test's process, or in its own."""

from __future__ import annotations

import asyncio
import os
import sys
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import pyotp
import pytest
from click.testing import CliRunner, Result

from tests.cut_data import MASTER_KEY, PASSWORD, SECRET
from voting_service.cli import main, root
from voting_service.settings import PREFIX, Settings

Command = Callable[..., Awaitable[Result]]


def set_environment(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    *,
    master_key: bytes = MASTER_KEY,
    **more: str,
) -> None:
    """Set the VOTING_ variables of the commands; `more` without the prefix."""
    variables = {**_variables(settings, master_key), "STAFF_PASSWORD": PASSWORD, **more}
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name, value)


def process_environment(settings: Settings, **more: str) -> dict[str, str]:
    """Return the environment of a process: ours without its VOTING_ variables, and the test's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    variables = {**_variables(settings, settings.master_key.get_secret_value()), **more}
    return inherited | {PREFIX + name: value for name, value in variables.items()}


def _variables(settings: Settings, master_key: bytes) -> dict[str, str]:
    return {
        "DATABASE_URL": settings.database_url,
        "VALKEY_URL": settings.valkey_url,
        "MASTER_KEY": b64encode(master_key).decode(),
        "SIGNING_KEY_FILE": str(settings.signing_key_file),
    }


async def invoke(*words: object, **environment: str) -> Result:
    """Run `voting-service` as a person of tests/cut_data.py, with a one-time code of now."""
    variables = {"VOTING_STAFF_CODE": pyotp.TOTP(SECRET).now(), **environment}
    arguments = [str(word) for word in words]
    return await asyncio.to_thread(CliRunner().invoke, root, arguments, env=variables)


async def run_command(*words: object, **environment: str) -> Result:
    """The same; errors of the domain pass through."""
    result = await invoke(*words, **environment)
    if isinstance(result.exception, Exception):
        raise result.exception
    return result


class Answer(NamedTuple):
    """What a finished command left."""

    code: int
    out: str
    err: str


async def run_to_end(
    variables: Mapping[str, str], *words: object, stdin: str = "", **environment: str
) -> Answer:
    """Run `voting-service` with these VOTING_ variables and no others, as a process of its own
    would, which costs a second more."""
    unset = {name: None for name in os.environ if name.startswith(PREFIX)}
    shown = {**unset, **variables, **environment}
    return await asyncio.to_thread(_run_main, [str(word) for word in words], shown, stdin)


def _run_main(words: list[str], variables: Mapping[str, str | None], stdin: str) -> Answer:
    code: int | str | None = None
    with CliRunner().isolation(stdin, env=variables) as (out, err, _):
        try:
            main(words)
        except SystemExit as end:
            code = end.code
        sys.stdout.flush()
        sys.stderr.flush()
        return Answer(int(code or 0), out.getvalue().decode(), err.getvalue().decode())
