"""The guide for engineers: what stands on the page is run as it stands there."""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
import shlex
import shutil
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from importlib import resources
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from tests.commands import set_environment
from tests.contest_data import SLUG, execute_as_owner
from tests.cut_data import PASSWORD, SECRET, member
from tests.fakes.signers import Ed25519Signer, private_pem
from tests.patience import PATIENCE_SECONDS
from tests.sites.public.api.running_service import Service, running_service
from voting_service.demo.data_folder import STAFF
from voting_service.i18n.catalogues import load_catalogue
from voting_service.infrastructure.http_clients.json_web_tokens import peek_claim
from voting_service.infrastructure.postgres.pool import connect
from voting_service.settings import Settings
from voting_service.sites.public import embed as guide
from voting_service.sites.public.embed.guide import EXAMPLES, texts
from voting_service.sites.shared.problem_documents import KINDS
from voting_service.voting.voters.platform_adapters.jwt import Claims

LANGUAGES = ("zh", "en")
NAMES = tuple(example.name for example in EXAMPLES)
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
"""First what the tests' own environment has: Python, and Node.js of the wheel."""
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java that does not get ready for a long run takes half the work."""
RUNTIMES = dict(zip(NAMES, ("python", "node", "java", "php", "go", "dotnet"), strict=True))
RUNNABLE = [name for name in NAMES if shutil.which(RUNTIMES[name], path=PATH)]
KEY_SAMPLE = {"zh": "演示平台的私钥", "en": "The demo's key"}
API_SAMPLE = {"zh": "接口调用", "en": "API calls"}
CREATE_SAMPLE = {"zh": "生成密钥", "en": "Creating a key"}
REGISTER_SAMPLE = {"zh": "登记平台", "en": "Registering"}
ADD_ORIGIN_SAMPLE = {"zh": "增加来源", "en": "Adding an origin"}
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
    server: str


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
    for section in re.findall(r'<details class="example"[^>]*>(.*?)</details>', page, re.S):
        [name] = re.findall(r"<h3>(.*?)</h3>", section)
        [file] = re.findall(r'<code class="file">(.*?)</code>', section)
        code, *install, run, output, server = samples(section).values()
        printed[html.unescape(name)] = Printed(
            file, code, install[0] if install else None, run, output, server
        )
    return printed


async def guide_page(service: Service, language: str) -> str:
    answer = await service.client.get(f"/{language}/platforms")
    assert answer.status_code == 200
    return answer.text


async def run_shell(command: str, folder: Path) -> str:
    """Runs what an engineer copies into a shell; what it prints."""
    code, out, err = await try_shell(command, folder)
    assert code == 0, err
    return out


async def try_shell(command: str, folder: Path) -> tuple[int | None, str, str]:
    """Runs a command that may fail; its exit code and what it prints."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command, cwd=folder, stdout=PIPE, stderr=PIPE,
        env={**os.environ, "PATH": PATH, "JDK_JAVA_OPTIONS": QUICK_JAVA},
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def on_this_machine(command: str, folder: Path) -> str:
    """A command with the one value that an engineer fills in: where the demo was started."""
    placeholder = "SERVICE=~/voting-service "
    assert placeholder in command
    return command.replace(placeholder, f"SERVICE={shlex.quote(str(folder))} ")


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


async def run_example(printed: Printed, folder: Path, *arguments: str) -> str:
    """Runs an example in a folder of its own, as printed or with other arguments; its link."""
    place = prepare_example(printed, folder)
    command = printed.run
    if arguments:
        command = shlex.join([*printed.run.split()[:-1], *arguments])
    return (await run_shell(command, place)).strip()


def prepare_example(printed: Printed, folder: Path) -> Path:
    """The folder of an example, with the code, the demo's key and the runtime."""
    place = folder / printed.file.replace(".", "-")
    place.mkdir(exist_ok=True)
    shutil.copy(folder / "data/platforms/demo.pem", place / "private.pem")
    (place / printed.file).write_text(printed.code, encoding="utf-8")
    if not (place / "venv").exists():
        (place / "venv").symlink_to(folder / "venv")
    return place


async def test_the_examples_run_as_printed_and_sign_a_user_in(
    service: Service, folder: Path
) -> None:
    page = await guide_page(service, "zh")
    assert examples(page) == examples(await guide_page(service, "en"))
    await run_shell(on_this_machine(samples(page)[KEY_SAMPLE["zh"]], folder), folder)
    printed = examples(page)
    for name in RUNNABLE:
        link = await run_example(printed[name], folder)
        assert link.startswith(printed[name].output.partition("eyJ")[0]), "as the page shows"
        assert link.endswith(printed[name].output.rpartition("…")[2])
        answer = await service.sign_in(token_in(service, link))
        assert answer.status_code == 201, (name, answer.text)
    [package] = re.findall(r'install "?([a-z]+)', printed["Python"].install or "")
    assert distribution(package), "what is installed is what the tests have"


async def test_with_two_keys_and_a_person_the_two_constants_are_needed_and_enough(
    service: Service, folder: Path
) -> None:
    """Whatever characters are in the user's id, it is the same voter as through the API."""
    page = await guide_page(service, "en")
    recipe = samples(page)["Computing person"]
    [person] = re.findall(r'<code class="person">([0-9a-f]{64})</code>', page)
    assert (await run_shell(recipe, folder)).strip() == person
    [key] = re.findall(r"hexkey:([0-9a-f]{64})", recipe)
    keys = [service.demo.signer.jwk("this-year"), Ed25519Signer().jwk("last-year")]
    await execute_as_owner(
        service.settings.owner_database_url,
        "update platforms set config = $1, revision = revision + 1 where slug = 'demo'",
        {"keys": keys},
    )
    await service.refresh()
    service.demo.kid = "this-year"
    first = examples(page)[RUNNABLE[0]]
    refused = await service.sign_in(token_in(service, await run_example(first, folder)))
    assert refused.status_code == 401 and "kid" in refused.json()["detail"]
    for name in RUNNABLE:
        printed = examples(page)[name]
        code, times = re.subn(r'(KEY_ID\s*= )""', r'\1"this-year"', printed.code)
        link = await run_example(
            printed._replace(code=code), folder, f"{TRICKY_USER} {name}", f"/zh/{SLUG}"
        )
        assert times == 1
        assert parse_qs(urlsplit(link).fragment)["next"] == [f"/zh/{SLUG}"]
        await assert_signs_in(service, link, f"{TRICKY_USER} {name}")
        code, times = re.subn(r'(PERSON_KEY\s*= )""', rf'\1"{key}"', printed.code)
        assert times == 1
        link = await run_example(
            printed._replace(code=code), folder, "reader-1", "", "+8613800138000"
        )
        assert peek_claim(token_in(service, link), "person") == person, name


async def test_every_example_refuses_another_key_and_a_missing_user(
    service: Service, folder: Path
) -> None:
    """None prints a link that the sign-in would refuse with a sentence about the signature."""
    page = await guide_page(service, "en")
    commands = {
        "RSA, PKCS#1": "openssl genrsa -traditional -out KEY 2048 || openssl genrsa -out KEY 2048",
        "RSA": "openssl genpkey -algorithm RSA -out KEY",
        "X25519": "openssl genpkey -algorithm X25519 -out KEY",
        "P-256": "openssl ecparam -name prime256v1 -genkey -noout -out KEY",
        "P-256, PKCS#8": samples(page)["Creating a P-256 key"].splitlines()[0],
    }
    keys = []
    for number, command in enumerate(commands.values()):
        file = f"other-{number}.pem"
        await run_shell(command.replace("KEY", file).replace("private.pem", file), folder)
        keys.append(folder / file)
    for name, printed in examples(page).items():
        words = "private.pem is not a P-256 key" if name == "C#" else "not an Ed25519 key"
        assert "PRIVATE_KEY" in printed.code
        assert words in printed.code and "the user id is missing" in printed.code
        if name not in RUNNABLE:
            continue
        place = prepare_example(printed, folder)
        run = printed.run.removesuffix(f" {FIRST_USER}")
        for arguments in ("", " ''"):
            code, out, err = await try_shell(run + arguments, place)
            assert code and "the user id is missing" in out + err, (name, out, err)
            assert "/enter#" not in out
        for key in keys:
            shutil.copy(key, place / "private.pem")
            code, out, err = await try_shell(printed.run, place)
            assert code and words in out + err, (name, key, out, err)
            assert "one as in section 1, and send its public.pem to the organiser" in out + err
            if name != "Java" and key in keys[:2]:
                assert re.search("key but [^;]*RSA", out + err, re.I), (name, key, out, err)
            assert "/enter#" not in out
        (place / "private.pem").unlink()
        code, out, err = await try_shell(printed.run, place)
        assert code and str(place / "private.pem") in out + err, (name, out, err)


async def test_node_php_and_go_can_be_called_from_a_server(service: Service, folder: Path) -> None:
    """Loading the file prints nothing; the function returns the link."""
    printed = examples(await guide_page(service, "en"))
    # What the guide leaves out of a Go package: main and its import.
    own = printed["Go"].code.partition("func main()")[0].replace('\t"log"\n', "")
    printed["Go"] = printed["Go"]._replace(code=own)
    assert 'require "/full/path/to/sign_in.php"' in printed["PHP"].server
    assert "/login" in printed["PHP"].server.partition("sign_in_url(")[0]
    calls = {
        "Go": (
            "server.go",
            'package main\nfunc main() { link, _ := SignInURL("reader-1", "", ""); print(link) }',
            "go run server.go sign_in.go 2>&1",
        ),
        "Node.js": (
            "server.js",
            'require("./sign-in.js").signInUrl("reader-1").then(console.log);',
            "node server.js",
        ),
        "PHP": (
            "server.php",
            '<?php require __DIR__ . "/sign_in.php"; echo sign_in_url("reader-1");',
            'cd / && php "$OLDPWD/server.php"',
        ),
    }
    for name in calls.keys() & set(RUNNABLE):
        file, code, run = calls[name]
        place = prepare_example(printed[name], folder)
        (place / file).write_text(code)
        assert token_in(service, await run_shell(run, place))


async def test_a_server_answers_303_with_the_link(service: Service, folder: Path) -> None:
    page = examples(await guide_page(service, "zh"))
    for name, printed in page.items():
        assert "no-store" in printed.server.lower() or "noStore()" in printed.server, name
        assert "303" in printed.server, name
        assert re.search(r"sign_?in_?url\(", printed.server, re.I), name
    place = prepare_example(page["Node.js"], folder)
    code, listening = page["Node.js"].server, "{ console.log(server.address().port); }"
    code = code.replace("createServer(async", "const server = createServer(async")
    code = code.replace("listen(8080)", f'listen(0, "127.0.0.1", () => {listening})')
    (place / "server.js").write_text(f'const userOf = () => "reader-1";\n{code}', encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *("node", "server.js"),
        cwd=place,
        stdout=PIPE,
        env={**os.environ, "PATH": PATH},
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        port = int(await asyncio.wait_for(process.stdout.readline(), PATIENCE_SECONDS))
        address = f"http://127.0.0.1:{port}/vote?contest={SLUG}&next=/zh/{SLUG}"
        answer = await service.client.get(address)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # node of the wheel is the child of a wrapper
        await process.wait()
    assert (answer.status_code, answer.headers["cache-control"]) == (303, "no-store")
    link = answer.headers["location"]
    assert parse_qs(urlsplit(link).fragment)["next"] == [f"/zh/{SLUG}"]
    assert (await service.sign_in(token_in(service, link))).status_code == 201


def test_python_and_node_are_always_among_the_examples_that_are_run() -> None:
    assert {"Python", "Node.js"} <= set(RUNNABLE)


@pytest.mark.parametrize("name", NAMES)
def test_every_example_signs_every_claim_with_constants_of_the_same_names(name: str) -> None:
    """Also those whose runtime is missing here are read."""
    [example] = [example for example in EXAMPLES if example.name == name]
    code = (resources.files(guide) / "examples" / example.file).read_text(encoding="utf-8")
    assert code.splitlines()[name == "PHP"].split()[1].startswith(example.file)
    for word in ("VOTE", "PLATFORM", "CONTEST", "KEY_ID", "PERSON_KEY", "private.pem", "/enter#"):
        assert word in code
    for claim in ("iss", "aud", "sub", "iat", "exp", "jti", "person"):
        assert re.search(rf"\b{claim}\b", code), claim
    assert "120" in code


async def test_the_node_example_runs_with_each_ending(service: Service, folder: Path) -> None:
    printed = examples(await guide_page(service, "en"))["Node.js"]
    for file in ("sign-in.mjs", "sign-in.cjs"):
        run = printed.run.replace(printed.file, file)
        link = await run_example(printed._replace(file=file, run=run), folder)
        assert (await service.sign_in(token_in(service, link))).status_code == 201
    (folder / "sign-in-js").mkdir()
    (folder / "sign-in-js/package.json").write_text('{"type": "module"}')
    assert token_in(service, await run_example(printed, folder))


async def test_the_samples_are_the_same_in_both_languages(service: Service) -> None:
    """So that it is enough to run those of one."""
    zh, en = [samples(await guide_page(service, language)) for language in LANGUAGES]
    assert len(en) > 20
    assert list(zh.values()) == list(en.values())
    for labels in (KEY_SAMPLE, API_SAMPLE, CREATE_SAMPLE, REGISTER_SAMPLE, ADD_ORIGIN_SAMPLE,
                   CHECK_SAMPLE):  # fmt: skip
        assert zh[labels["zh"]] == en[labels["en"]]


async def test_the_calls_of_the_api_and_the_check_run_as_printed(
    service: Service, folder: Path
) -> None:
    page = await guide_page(service, "zh")
    await run_shell(on_this_machine(samples(page)[KEY_SAMPLE["zh"]], folder), folder)
    for name in RUNNABLE:
        printed = examples(page)[name]
        (folder / printed.file).write_text(printed.code, encoding="utf-8")
    # The page names the public address; this service listens at a port of its own.
    calls = samples(page)[API_SAMPLE["zh"]].replace(
        service.settings.public_url, str(service.client.base_url).rstrip("/")
    )
    listed = [
        re.findall(r"<code>([^<>]*?)</code>(?: · |[.。])", await guide_page(service, language))
        for language in LANGUAGES
    ]
    for name in RUNNABLE:
        run = examples(page)[name].run.removesuffix(f" {FIRST_USER}")
        for commands in listed:
            assert run in map(html.unescape, commands), "the page lists the command for RUN"
        own = calls.replace('RUN="venv/bin/python sign_in.py"', f'RUN="{run}"')
        output = await run_shell(own, folder)
        assert '"receipt"' in output, (name, output)
    code, output, _ = await try_shell(calls.replace("$TOKEN\\", "x\\"), folder)
    assert code and '"type"' in output and "Bearer" not in output, output
    assert len(output.splitlines()) == 1, "nothing is sent after a refusal"
    assert await service.stored_ballots() == 1, "the same user's same ballot each time"
    assert "demo" not in calls and '\\"$PLATFORM\\"' in calls, "the slug is that of the link"
    check, command = samples(page)[CHECK_SAMPLE["zh"]], folder / "bin/voting-service"
    command.parent.mkdir()
    command.symlink_to(Path(sys.executable).with_name("voting-service"))
    printed_path = "/full/path/to/.venv/bin/voting-service"
    output = await run_shell(check.replace(printed_path, str(command)), folder)
    assert "not examined: slug, person_policy, origins, iss, contest, jti" in output
    assert "✘" not in output


async def test_two_people_register_a_platform_with_the_command_as_printed(
    service: Service, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a demo: in any folder, with its accounts; one block for both."""
    page = samples(await guide_page(service, "zh"))
    owner = await connect(service.settings.owner_database_url or "")
    for name in ("clerk-1", "clerk-2"):
        assert STAFF[name] == "tally_clerk"
        await member(owner, name)
    await owner.close()
    set_environment(monkeypatch, service.settings)
    monkeypatch.delenv("VOTING_STAFF_PASSWORD")
    logins = [
        {"name": name, "role": STAFF[name], "password": PASSWORD, "totp_secret": SECRET}
        for name in ("clerk-1", "clerk-2")
    ]
    # As data_folder.py writes it: the block reads the passwords line by line.
    (folder / "data/accounts.json").write_text(json.dumps(logins, indent=2), encoding="utf-8")
    lines = [
        f"{name}='{os.environ[name]}'"
        for name in ("VOTING_DATABASE_URL", "VOTING_VALKEY_URL", "VOTING_MASTER_KEY",
                     "VOTING_SIGNING_KEY_FILE")
    ]  # fmt: skip
    for line in lines:
        monkeypatch.delenv(line.partition("=")[0])
    (folder / "data/settings.env").write_text("\n".join(lines), encoding="utf-8")
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/voting-service").symlink_to(
        Path(sys.executable).with_name("voting-service")
    )
    work = folder / "my work"
    work.mkdir()
    await run_shell(page[CREATE_SAMPLE["zh"]], work)
    output = await run_shell(on_this_machine(page[REGISTER_SAMPLE["zh"]], folder), work)
    assert "Proposed as request 1" in output and "\nAdded your-platform" in output
    await execute_as_owner(  # the same codes once more
        service.settings.owner_database_url, "update accounts set last_totp_step = 0"
    )
    output = await run_shell(on_this_machine(page[ADD_ORIGIN_SAMPLE["zh"]], folder), work)
    assert output.count("Proposed") == 1 and "Proposed as request 2" in output
    stored = await service.database.fetchval(
        "select origins from platforms where slug = 'your-platform'"
    )
    assert {"http://127.0.0.1:8080", "https://m.your-platform.example"} < set(stored)


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
        assert samples(page)[REGISTER_SAMPLE[language]].startswith("voting-service platform add")
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
    [top] = re.findall(r'<section class="steps".*?</section>', page, re.S)
    assert "<ol>" not in page, "the sections alone are numbered"
    for number, anchor in enumerate(("keys", "register", "sign-in", "check"), 1):
        assert re.search(rf'<h2 id="{anchor}">{number}\. ', page)
        assert re.search(rf'(?:[Ss]ection|第) {number}[^<]*<a href="#{anchor}">', top)
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
