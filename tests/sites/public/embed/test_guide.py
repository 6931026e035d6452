"""The guide for engineers: what stands on the page is run as it stands there."""

from __future__ import annotations

import asyncio
import html
import os
import re
import shlex
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from tests.contest_data import SLUG, execute_as_owner
from tests.fakes.signers import Ed25519Signer, private_pem
from tests.sites.public.api.running_service import Service, running_service
from voting_service.i18n.catalogues import load_catalogue
from voting_service.infrastructure.http_clients.json_web_tokens import peek_claim
from voting_service.settings import Settings
from voting_service.sites.public.embed.guide import texts
from voting_service.sites.shared.problem_documents import KINDS
from voting_service.voting.voters.platform_adapters.jwt import Claims

LANGUAGES = ("zh", "en")
NAMES = ("Python", "Java", "Node.js")
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
"""First what the tests' own environment has: Python, and Node.js of the wheel."""
RUNTIMES = {"Python": "python", "Java": "java", "Node.js": "node"}
RUNNABLE = [name for name in NAMES if shutil.which(RUNTIMES[name], path=PATH)]
KEY_SAMPLE = {"zh": "演示平台的私钥", "en": "The demo's key"}
API_SAMPLE = {"zh": "接口调用", "en": "API calls"}
CHECK_SAMPLE = {"zh": "自查命令", "en": "Check"}
TRICKY_USER = 'reader "1" \\ 甲𠮷'
FIRST_USER = "reader-1"
"""Whom the printed commands sign in."""


class Printed(NamedTuple):
    """An example as the page prints it."""

    file: str
    code: str
    install: str | None
    run: str
    output: str


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with running_service(settings) as running:
        yield running


@pytest.fixture
def folder(service: Service, tmp_path: Path) -> Path:
    """Where an engineer works: the demo's data, and the runtime that the install command makes.

    pip is not asked to fetch anything; what it would install is in the tests' own environment.
    """
    key = tmp_path / "data" / "platforms" / "demo.pem"
    key.parent.mkdir(parents=True)
    assert isinstance(service.demo.signer, Ed25519Signer)
    key.write_bytes(private_pem(service.demo.signer.key))
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return tmp_path


def samples(page: str) -> dict[str, str]:
    """What an engineer would copy, by its label."""
    samples = re.findall(r'<pre [^>]*aria-label="([^"]*)"><code>(.*?)</code></pre>', page, re.S)
    return {html.unescape(label): html.unescape(code) for label, code in samples}


def examples(page: str) -> dict[str, Printed]:
    """The examples that sign a user in, by language of programming."""
    printed = {}
    for section in re.findall(r'<section class="example">(.*?)</section>', page, re.S):
        [name] = re.findall(r"<h3>(.*?)</h3>", section)
        [file] = re.findall(r'<code class="file">(.*?)</code>', section)
        code, *install, run, output = samples(section).values()
        printed[html.unescape(name)] = Printed(
            file, code, install[0] if install else None, run, output
        )
    return printed


async def guide_page(service: Service, language: str) -> str:
    answer = await service.client.get(f"/{language}/platforms")
    assert answer.status_code == 200
    return answer.text


async def run_shell(command: str, folder: Path) -> str:
    """Runs what an engineer copies into a shell; what it prints."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command, cwd=folder, stdout=PIPE, stderr=PIPE,
        env={**os.environ, "PATH": PATH},
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


def token_in(service: Service, link: str) -> str:
    """The token of a link that an example printed."""
    address = urlsplit(link.strip())
    assert f"{address.scheme}://{address.netloc}" == service.settings.public_url
    assert (address.path, address.query) == ("/enter", "")
    fields = {name: value for name, [value] in parse_qs(address.fragment).items()}
    assert fields["platform"] == "demo"
    return fields["token"]


async def assert_signs_in(service: Service, link: str, user: str) -> None:
    """The link signs in that user of the platform: a ballot cast is the user's own one."""
    answer = await service.sign_in(token_in(service, link))
    assert answer.status_code == 201, answer.text
    first = await service.cast(answer.json()["session"], [1])
    again = await service.cast(await service.open_session(user), [1])
    assert (first.status_code, again.status_code) == (201, 200), "it is not the same voter"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RUNNABLE)
async def test_an_example_runs_as_printed_and_signs_a_user_in(
    name: str, language: str, service: Service, folder: Path
) -> None:
    page = await guide_page(service, language)
    printed = examples(page)[name]
    if printed.install:
        [package] = re.findall(r'install "?([a-z]+)', printed.install)
        assert distribution(package), "what is installed is what the tests have"
    await run_shell(samples(page)[KEY_SAMPLE[language]], folder)
    (folder / printed.file).write_text(printed.code, encoding="utf-8")
    link = await run_shell(printed.run, folder)
    assert link.startswith(printed.output.partition("eyJ")[0]), "it prints what the page shows"
    assert link.strip().endswith(printed.output.rpartition("…")[2])
    await assert_signs_in(service, link, FIRST_USER)


@pytest.mark.parametrize("name", RUNNABLE)
async def test_an_example_signs_in_any_user_id_and_passes_the_next_page_on(
    name: str, service: Service, folder: Path
) -> None:
    printed = examples(await guide_page(service, "en"))[name]
    shutil.copy(folder / "data/platforms/demo.pem", folder / "private.pem")
    (folder / printed.file).write_text(printed.code, encoding="utf-8")
    command = shlex.join([*printed.run.split()[:-1], TRICKY_USER, f"/zh/{SLUG}"])
    link = (await run_shell(command, folder)).strip()
    assert parse_qs(urlsplit(link).fragment)["next"] == [f"/zh/{SLUG}"]
    await assert_signs_in(service, link, TRICKY_USER)


@pytest.mark.parametrize("name", RUNNABLE)
async def test_with_two_keys_the_key_id_is_needed_and_enough(
    name: str, service: Service, folder: Path
) -> None:
    keys = [service.demo.signer.jwk("this-year"), Ed25519Signer().jwk("last-year")]
    await execute_as_owner(
        service.settings.owner_database_url,
        "update platforms set config = $1, revision = revision + 1 where slug = 'demo'",
        {"keys": keys},
    )
    await service.refresh()
    service.demo.kid = "this-year"
    printed = examples(await guide_page(service, "en"))[name]
    shutil.copy(folder / "data/platforms/demo.pem", folder / "private.pem")
    (folder / printed.file).write_text(printed.code, encoding="utf-8")
    refused = await service.sign_in(token_in(service, await run_shell(printed.run, folder)))
    assert refused.status_code == 401
    assert "kid" in refused.json()["detail"]
    code, times = re.subn(r'(KEY_ID = )""', r'\1"this-year"', printed.code)
    assert times == 1
    (folder / printed.file).write_text(code, encoding="utf-8")
    await assert_signs_in(service, await run_shell(printed.run, folder), FIRST_USER)


@pytest.mark.parametrize("name", RUNNABLE)
async def test_an_example_names_the_person_by_the_recipe_that_the_page_lets_one_check(
    name: str, service: Service, folder: Path
) -> None:
    page = await guide_page(service, "en")
    recipe = samples(page)["Computing person"]
    [person] = re.findall(r'<code class="person">([0-9a-f]{64})</code>', page)
    assert (await run_shell(recipe, folder)).strip() == person
    [key] = re.findall(r"hexkey:([0-9a-f]{64})", recipe)
    printed = examples(page)[name]
    shutil.copy(folder / "data/platforms/demo.pem", folder / "private.pem")
    code, times = re.subn(r'(PERSON_KEY = )""', rf'\1"{key}"', printed.code)
    assert times == 1
    (folder / printed.file).write_text(code, encoding="utf-8")
    command = shlex.join([*printed.run.split(), f"/zh/{SLUG}", "+8613800138000"])
    token = token_in(service, await run_shell(command, folder))
    assert peek_claim(token, "person") == person


def test_python_and_node_are_always_among_the_examples_that_are_run() -> None:
    assert {"Python", "Node.js"} <= set(RUNNABLE)


async def test_the_node_example_runs_as_js_in_a_module_package_too(
    service: Service, folder: Path
) -> None:
    printed = examples(await guide_page(service, "en"))["Node.js"]
    assert printed.file.endswith(".mjs")
    shutil.copy(folder / "data/platforms/demo.pem", folder / "private.pem")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "sign-in.js").write_text(printed.code, encoding="utf-8")
    link = await run_shell("node sign-in.js reader-1", folder)
    await assert_signs_in(service, link, FIRST_USER)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_calls_of_the_api_and_the_check_run_as_printed(
    language: str, service: Service, folder: Path
) -> None:
    page = await guide_page(service, language)
    python = examples(page)["Python"]
    (folder / python.file).write_text(python.code, encoding="utf-8")
    await run_shell(samples(page)[KEY_SAMPLE[language]], folder)
    # The page names the public address; this service listens at a port of its own.
    calls = samples(page)[API_SAMPLE[language]].replace(
        service.settings.public_url, str(service.client.base_url).rstrip("/")
    )
    output = await run_shell(calls, folder)
    assert '"receipt"' in output, output
    assert await service.stored_ballots() == 1
    output = await run_shell(samples(page)[CHECK_SAMPLE[language]], folder)
    assert "All " in output.splitlines()[-1]
    assert "✘" not in output


async def test_a_service_without_the_demo_platform_shows_the_own_names_to_fill_in(
    service: Service,
) -> None:
    await service.database.execute(
        "update platforms set enabled = false, revision = revision + 1 where slug = 'demo'"
    )
    await service.refresh()
    for language in LANGUAGES:
        page = await guide_page(service, language)
        assert "demo.pem" not in page
        assert KEY_SAMPLE[language] not in samples(page)
        for printed in examples(page).values():
            assert '"your-platform"' in printed.code
            assert f'"{SLUG}"' in printed.code, "the contest is the one that runs"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_states_what_a_key_id_is_and_where_the_command_comes_from(
    language: str, service: Service
) -> None:
    page = await guide_page(service, language)
    [about] = re.findall(r'<p id="key-id">(.*?)</p>', page, re.S)
    for word in ("KEY_ID", "kid", "JWKS", "RFC 7638"):
        assert word in about
    [command] = re.findall(r'<p id="command">(.*?)</p>', page, re.S)
    assert "make setup" in command
    assert ".venv/bin/voting-service" in command


STAFF_PROBLEMS = {"confirm-identity", "wrong-role"}
"""Problems that only staff meet."""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_names_every_claim_every_error_and_its_own_address(
    language: str, service: Service
) -> None:
    answer = await service.client.get(f"/{language}/platforms")
    assert answer.status_code == 200
    assert "unsafe" not in answer.headers["content-security-policy"]
    for field in msgspec.structs.fields(Claims):
        assert f"<code>{field.name}</code>" in answer.text
    for kind in KINDS.values():
        assert f"/problems/{kind.name}" in answer.text
    assert "vote.example" not in answer.text
    assert tuple(examples(answer.text)) == NAMES
    again = await service.client.get(
        f"/{language}/platforms", headers={"if-none-match": answer.headers["etag"]}
    )
    assert again.status_code == 304
    assert (await service.client.get("/fr/platforms")).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_claim_and_every_error_is_explained(language: str) -> None:
    sentences = texts("zh" if language == "zh" else "en")
    claims = {field.name for field in msgspec.structs.fields(Claims)}
    assert sentences["claims"].keys() == claims
    assert sentences["errors"].keys() == {kind.name for kind in KINDS.values()} - STAFF_PROBLEMS
    assert claims <= load_catalogue("platform_check", "en")["mend"].keys(), (
        "platform check says how to mend each"
    )
    assert texts("zh")["guide"].keys() == texts("en")["guide"].keys()


async def test_both_languages_show_the_same_samples(service: Service) -> None:
    pages = [(await service.client.get(f"/{language}/platforms")).text for language in LANGUAGES]
    first, second = (list(samples(page).values()) for page in pages)
    assert first == second
    assert len(first) > 10
