"""The release pack: everything that is published of a contest in one signed file, so that media
platforms can prepare their pages before the moment and check them against it.

A zip with profiles.json (canonical JSON, the profiles as the API gives them), pictures/… under
the names they have in addresses, and manifest.json: size and SHA-256 of every file and the moment
of publication, under the signature that the cut bears too
(infrastructure/crypto/signed_document.py).

The same contest gives the same bytes. Checking builds the pack again from what it holds and
compares: nothing can be hidden in it.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from voting_service.contests.model import Contest
from voting_service.contests.phases import published_at
from voting_service.contests.pictures.model import (
    ADDRESS,
    Picture,
    PublicPicture,
    PublicProfile,
    public_profile,
)
from voting_service.contests.pictures.repository import load_all_pictures, load_files_shown
from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.canonical_json import canonical, read_strictly
from voting_service.infrastructure.crypto.signed_document import (
    check_signature,
    read_signed_file,
    sign_document,
)
from voting_service.infrastructure.postgres.pool import AnyConnection

FORMAT = "voting-service release pack 1"
MANIFEST = "manifest.json"
PROFILES = "profiles.json"
PICTURES = "pictures/"
MAX_PACK_BYTES = 1024**3
_MAX_FILES = 200_000
_DATE = (1980, 1, 1, 0, 0, 0)
"""Zip's earliest. A pack holds the time of its publication, not of its making."""
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What reading a broken zip ends in."""


class ManifestFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the manifest."""

    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed; moments are in UTC, RFC 3339."""

    format: str
    contest: str
    title: Text
    publish_at: str
    opens_at: str
    closes_at: str
    files: tuple[ManifestFile, ...]


class PackedProfiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """profiles.json; the same as `GET /api/v1/contests/{slug}/candidates`."""

    contest: str
    candidates: tuple[PublicProfile, ...]


class ReleasePack(NamedTuple):
    """A pack that holds together; `public_key` (base64) is whose signature it bears."""

    manifest: Manifest
    profiles: PackedProfiles
    public_key: str


class Release(NamedTuple):
    """What a contest publishes; files by their names in addresses."""

    profiles: PackedProfiles
    pictures: Mapping[str, bytes]


async def load_release(connection: AnyConnection, contest: Contest) -> Release:
    """What the contest publishes, read at one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        pictures = await load_all_pictures(connection, contest.id)
        files = await load_files_shown(connection, contest.id)
    return Release(packed_profiles(contest, pictures), files)


def packed_profiles(
    contest: Contest, pictures: Mapping[int, tuple[Picture, ...]]
) -> PackedProfiles:
    """By number."""
    ordered = sorted(contest.candidates, key=lambda candidate: candidate.number)
    return PackedProfiles(
        contest.slug,
        tuple(
            public_profile(c, pictures.get(c.number, ()), contest.withdrawn.get(c.number))
            for c in ordered
        ),
    )


def build_pack(contest: Contest, release: Release, key: Ed25519PrivateKey) -> bytes:
    """The whole file; the same bytes whenever it is run again."""
    files = {PROFILES: canonical(msgspec.to_builtins(release.profiles))}
    files |= {PICTURES + name: content for name, content in release.pictures.items()}
    manifest = Manifest(
        format=FORMAT,
        contest=contest.slug,
        title=contest.rules.title,
        publish_at=_moment(published_at(contest)),
        opens_at=_moment(contest.opens_at),
        closes_at=_moment(contest.closes_at),
        files=tuple(_listed(files)),
    )
    return _zip({MANIFEST: sign_document(msgspec.to_builtins(manifest), key), **files})


def verify_pack(data: bytes, public_key: Ed25519PublicKey | None = None) -> ReleasePack:
    """Needs no database, no settings and no network.

    Without `public_key` the signature only shows that the pack is whole: whose key it is must
    then be compared with the key that was announced. Raises InvalidInput with every fault.
    """
    files = _unzip(data)
    signed = read_signed_file(_named(files, MANIFEST))
    check_signature(signed, public_key)
    manifest = _convert(signed.document, Manifest, MANIFEST)
    profiles = _convert(read_strictly(_named(files, PROFILES)), PackedProfiles, PROFILES)
    faults = list(_faults(manifest, profiles, files))
    if faults:
        raise InvalidInput(*faults)
    if _zip(files) != data:
        raise InvalidInput(Fault("", "contests.profile_release.unlisted_content"))
    return ReleasePack(manifest, profiles, signed.signature.public_key)


def _faults(
    manifest: Manifest, profiles: PackedProfiles, files: Mapping[str, bytes]
) -> Iterator[Fault]:
    if manifest.format != FORMAT:
        yield Fault(f"{MANIFEST}: format", "contests.profile_release.wrong_format", format=FORMAT)
    if manifest.contest != profiles.contest:
        yield Fault(
            f"{PROFILES}: contest",
            "contests.profile_release.wrong_contest",
            contest=manifest.contest,
        )
    held = {file.name: file for file in _listed(files) if file.name != MANIFEST}
    announced = {file.name: file for file in manifest.files}
    for name in sorted(announced.keys() | held.keys()):
        if name not in held:
            yield Fault(name, "contests.profile_release.file_missing")
        elif name not in announced:
            yield Fault(name, "contests.profile_release.not_in_manifest", manifest=MANIFEST)
        elif held[name] != announced[name]:
            yield Fault(name, "contests.profile_release.file_changed")
    shown = {PICTURES + name for name in picture_names(profiles.candidates)}
    for name in sorted(shown - held.keys()):
        yield Fault(name, "contests.profile_release.picture_missing", profiles=PROFILES)
    for name in sorted(held.keys() - shown - {PROFILES}):
        yield Fault(name, "contests.profile_release.file_of_no_candidate")


def picture_names(profiles: Iterable[PublicProfile]) -> Iterator[str]:
    """The files of all pictures, by their names in addresses."""
    for profile in profiles:
        for picture in (profile.portrait, *profile.pictures):
            if picture is not None:
                yield from picture_file_names(picture)


def picture_file_names(picture: PublicPicture) -> Iterator[str]:
    """The files of one picture."""
    addresses = [*picture.avif.values(), *picture.webp.values(), *picture.jpeg.values()]
    if picture.preview:
        addresses.append(picture.preview)
    for address in addresses:
        yield address.removeprefix(ADDRESS)


def _listed(files: Mapping[str, bytes]) -> Iterator[ManifestFile]:
    for name in sorted(files):
        yield ManifestFile(name, len(files[name]), sha256(files[name]).hexdigest())


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _zip(files: Mapping[str, bytes]) -> bytes:
    """Stored, not packed: pictures are packed already, and packers differ in their bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return target.getvalue()


def _unzip(data: bytes) -> dict[str, bytes]:
    """Raises InvalidInput for what is no zip of plainly stored files."""
    if len(data) > MAX_PACK_BYTES:
        raise InvalidInput(
            Fault(
                "",
                "contests.profile_release.pack_too_large",
                max_pack_bytes=MAX_PACK_BYTES // 1024**2,
            )
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if len(names) > _MAX_FILES or len(set(names)) != len(names):
                raise InvalidInput(Fault("", "contests.profile_release.too_many_or_repeated_files"))
            if sum(entry.file_size for entry in entries) > len(data):
                raise InvalidInput(Fault("", "contests.profile_release.compressed_files"))
            return {entry.filename: archive.read(entry) for entry in entries}
    except _UNREADABLE as error:
        raise InvalidInput(
            Fault("", "contests.profile_release.unreadable_zip", error=error)
        ) from None


def _named(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise InvalidInput(Fault(name, "contests.profile_release.not_a_release_pack"))
    return files[name]


def _convert(value: Any, type_: Any, name: str) -> Any:
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise InvalidInput(Fault.verbatim(name, str(error))) from None
