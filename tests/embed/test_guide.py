"""The guide for engineers: what stands on the page is run as it stands there."""

from __future__ import annotations

import asyncio
import html
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization

from tests.contest_data import SLUG
from tests.fakes.signers import Ed25519Signer
from tests.public.running_service import Service, running_service
from voting_service.public.embed.guide import EXAMPLES, texts
from voting_service.settings import Settings
from voting_service.voters.platform_examination import MEND
from voting_service.voters.sign_in_kinds.jwt import Claims
from voting_service.web.problems import KINDS

LANGUAGES = ("zh", "en")
RUN = {
    "Python": [sys.executable, "sign_in.py"],
    "Java": ["java", "SignIn.java"],
    "Node.js / TypeScript": ["node", "sign-in.mjs"],
}
TRICKY_USER = 'reader "1" \\ 甲𠮷'


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with running_service(settings) as running:
        yield running


def samples(page: str) -> dict[str, str]:
    """What an engineer would copy, by its label."""
    found = re.findall(r'<pre [^>]*aria-label="([^"]*)"><code>(.*?)</code></pre>', page, re.S)
    return {html.unescape(label): html.unescape(code) for label, code in found}


async def copied(service: Service, name: str, folder: Path, kid: str) -> list[str]:
    """Puts an example of the page into a folder, fills in the names; the command to run it."""
    page = (await service.client.get("/en/platforms")).text
    code = samples(page)[name]
    for placeholder, value in {
        "your-platform": "demo", "your-contest": SLUG, "your-key-id": kid,
    }.items():  # fmt: skip
        assert f'"{placeholder}"' in code, f"{name} says nothing of {placeholder}"
        code = code.replace(placeholder, value)
    assert service.settings.public_url in code, "the page names its own address"
    (folder / EXAMPLES[name]).write_text(code, encoding="utf-8")
    assert isinstance(service.demo.signer, Ed25519Signer)
    (folder / "private.pem").write_bytes(
        service.demo.signer.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return RUN[name]


def installed(name: str) -> bool:
    return shutil.which(RUN[name][0]) is not None


@pytest.mark.parametrize("name", [name for name in EXAMPLES if installed(name)])
async def test_an_example_signs_a_user_in(name: str, service: Service, tmp_path: Path) -> None:
    command = await copied(service, name, tmp_path, "demo-key")
    process = await asyncio.create_subprocess_exec(
        *command, TRICKY_USER, f"/zh/{SLUG}", cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    address = urlsplit(out.decode().strip())
    assert f"{address.scheme}://{address.netloc}" == service.settings.public_url
    assert (address.path, address.query) == ("/enter", "")
    fields = {name: value for name, [value] in parse_qs(address.fragment).items()}
    assert fields["platform"] == "demo"
    assert fields["next"] == f"/zh/{SLUG}"
    answer = await service.sign_in(fields["token"])
    assert answer.status_code == 201, answer.text
    first = await service.cast(answer.json()["session"], [1])
    again = await service.cast(await service.open_session(TRICKY_USER), [1])
    assert (first.status_code, again.status_code) == (201, 200), "it is not the same voter"


def test_python_is_always_among_the_examples_that_are_run() -> None:
    assert installed("Python")
    assert RUN.keys() == EXAMPLES.keys()


OF_THE_DESK = {"confirm-identity", "wrong-role"}
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
    assert samples(answer.text).keys() >= set(EXAMPLES)
    again = await service.client.get(
        f"/{language}/platforms", headers={"if-none-match": answer.headers["etag"]}
    )
    assert again.status_code == 304
    assert (await service.client.get("/fr/platforms")).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_claim_and_every_error_is_explained(language: str) -> None:
    known = texts("zh" if language == "zh" else "en")
    claims = {field.name for field in msgspec.structs.fields(Claims)}
    assert known["claims"].keys() == claims
    assert known["errors"].keys() == {kind.name for kind in KINDS.values()} - OF_THE_DESK
    assert claims <= MEND.keys(), "platform check says how to mend each"
    assert texts("zh")["guide"].keys() == texts("en")["guide"].keys()


async def test_both_languages_show_the_same_samples(service: Service) -> None:
    pages = [(await service.client.get(f"/{each}/platforms")).text for each in LANGUAGES]
    first, second = (list(samples(page).values()) for page in pages)
    assert first == second
    assert len(first) > 10
