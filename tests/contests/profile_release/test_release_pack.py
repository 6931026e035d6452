"""The pack: everything that is published, the same bytes every time, and nothing else in it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voting_service.contests.model import Contest
from voting_service.contests.profile_release.pack import (
    Release,
    build_pack,
    load_release,
    verify_pack,
)
from voting_service.errors import InvalidInput
from voting_service.infrastructure.crypto.canonical_json import canonical
from voting_service.infrastructure.crypto.signed_document import sign_document
from voting_service.infrastructure.postgres.pool import Connection

Files = dict[str, bytes]


@pytest.fixture
def pack(contest: Contest, release: Release, signing_key: Ed25519PrivateKey) -> bytes:
    return build_pack(contest, release, signing_key)


def unzipped(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: Files, compression: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            entry.compress_type = compression
            archive.writestr(entry, files[name])
    return target.getvalue()


async def test_a_pack_holds_every_profile_and_every_picture(
    pack: bytes, contest: Contest, release: Release, signing_key: Ed25519PrivateKey
) -> None:
    checked = verify_pack(pack, signing_key.public_key())
    assert checked.profiles == release.profiles
    assert checked.manifest.contest == contest.slug
    assert checked.manifest.publish_at.endswith("Z")
    files = unzipped(pack)
    assert {f"pictures/{name}": data for name, data in release.pictures.items()}.items() <= (
        files.items()
    )
    assert len(files) == 2 + 5 * 8 + 2 * 2 + 1
    assert json.loads(files["profiles.json"])["candidates"][0]["name"]["zh"] == "候选 1"


async def test_the_same_contest_gives_the_same_bytes(
    pack: bytes, contest: Contest, database: Connection, signing_key: Ed25519PrivateKey
) -> None:
    again = build_pack(contest, await load_release(database, contest), signing_key)
    assert again == pack


async def test_the_key_that_was_announced_is_the_one_that_counts(pack: bytes) -> None:
    assert verify_pack(pack).public_key
    with pytest.raises(InvalidInput, match="is not the key that was given"):
        verify_pack(pack, Ed25519PrivateKey.generate().public_key())


def make_picture(files: Files) -> str:
    return min(name for name in files if name.startswith("pictures/"))


def signed_again(packed: Files, **changes: object) -> Files:
    """As somebody with a key of his own would do it."""
    document = json.loads(packed["manifest.json"])["document"] | changes
    return packed | {"manifest.json": sign_document(document, Ed25519PrivateKey.generate())}


def without(files: Files, *names: str) -> Files:
    return {name: data for name, data in files.items() if name not in names}


def other_story(files: Files) -> Files:
    profiles = json.loads(files["profiles.json"])
    profiles["candidates"][0]["story"]["zh"] = "another"
    return files | {"profiles.json": canonical(profiles)}


LIES: dict[str, tuple[Callable[[Files], Files], str]] = {
    "another picture": (
        lambda f: f | {make_picture(f): f[make_picture(f)][:-1] + b"!"},
        "was changed",
    ),
    "a shorter picture": (lambda f: f | {make_picture(f): f[make_picture(f)][:-1]}, "was changed"),
    "another story": (other_story, "profiles.json: was changed"),
    "a missing picture": (lambda f: without(f, make_picture(f)), "is missing"),
    "one more file": (lambda f: f | {"extra.html": b"x"}, "extra.html: is not listed"),
    "a file outside": (lambda f: f | {"../outside": b"x"}, "is not listed"),
    "no manifest": (lambda f: without(f, "manifest.json"), "this is not a release pack"),
    "no profiles": (lambda f: without(f, "profiles.json"), "this is not a release pack"),
    "an earlier moment": (
        lambda f: (
            f
            | {"manifest.json": f["manifest.json"].replace(b'"publish_at":"2', b'"publish_at":"1')}
        ),
        "was changed after it was signed",
    ),
    "another format": (lambda f: signed_again(f, format="2"), "must be voting-service release"),
    "another contest": (lambda f: signed_again(f, contest="other"), "is not other"),
    "no files": (lambda f: signed_again(f, files=[]), "is not listed"),
    "a new field": (lambda f: signed_again(f, note="x"), "unknown field `note`"),
    "no JSON": (lambda f: f | {"manifest.json": b"{"}, "not a JSON document"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_every_change_is_found(pack: bytes, lie: str) -> None:
    change, message = LIES[lie]
    with pytest.raises(InvalidInput) as refused:
        verify_pack(zipped(change(unzipped(pack))))
    assert message in str(refused.value)


async def test_nothing_can_be_hidden_in_the_zip(pack: bytes) -> None:
    assert zipped(unzipped(pack)) == pack, "the test packs like the program"
    with_comment = io.BytesIO(pack)
    with zipfile.ZipFile(with_comment, "a") as archive:
        archive.comment = b"psst"
    twice = io.BytesIO(pack)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(twice, "a") as archive:
        archive.writestr("profiles.json", b"{}")
    for hiding, message in (
        (b"#!/bin/sh\n" + pack, "more than"),
        (with_comment.getvalue(), "more than"),
        (pack[:-22] + b"x" * 40 + pack[-22:], ""),
        (twice.getvalue(), "the same file twice"),
        (zipped(unzipped(pack), zipfile.ZIP_DEFLATED), "compressed files"),
        (zipped(unzipped(pack) | {"zeros": b"\0" * 50_000_000}, zipfile.ZIP_DEFLATED), "stores"),
        (b"", "not a readable ZIP"),
        (b"PK\x05\x06" + b"\0" * 18, "not a release pack"),
    ):
        with pytest.raises(InvalidInput) as refused:
            verify_pack(hiding)
        assert message in str(refused.value)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
async def test_no_byte_can_be_changed(pack: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(pack) - 1))
    # Most bytes are pictures'; the structures at both ends deserve as many tries.
    place = data.draw(st.sampled_from([place, len(pack) - 1 - place % 4000, place % 4000]))
    flip = data.draw(st.integers(1, 255))
    changed = pack[:place] + bytes([pack[place] ^ flip]) + pack[place + 1 :]
    with pytest.raises(InvalidInput):
        verify_pack(changed)
