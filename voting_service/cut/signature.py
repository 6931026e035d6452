"""Signing the document, and checking one with nothing but itself and a public key.

The file is canonical JSON `{"document":…,"signature":{"algorithm":"Ed25519","public_key":…,
"value":…}}`; the signature, in base64 like the raw 32-byte key, is over the canonical form of
`document`. Ed25519 is deterministic: the same document and key give the same file.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from voting_service.cut.canonical import canonical, read_strictly
from voting_service.cut.document import FORMAT, CutDocument, TieDecision, build_document
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.tally.recount import Count


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Both texts are base64."""

    algorithm: Literal["Ed25519"]
    public_key: str
    value: str


class SignedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The outer object."""

    document: dict[str, Any]
    signature: Signature


class VerifiedCut(NamedTuple):
    """A document that holds together; `public_key` (base64) is whose signature it bears."""

    document: CutDocument
    public_key: str


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """Raises Refused when the file is missing or holds another kind of key."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused(
            f"VOTING_SIGNING_KEY_FILE {path} cannot be read as a PEM key: {error}"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(f"VOTING_SIGNING_KEY_FILE {path} holds no Ed25519 key")
    return key


def load_public_key(data: bytes) -> Ed25519PublicKey:
    """From PEM. Raises InvalidInput."""
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(Fault("key", f"is not a public key in PEM: {error}")) from None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidInput(Fault("key", "is not an Ed25519 key"))
    return key


def public_key_text(key: Ed25519PublicKey) -> str:
    """As it stands in the file."""
    return b64encode(key.public_bytes_raw()).decode()


def sign(document: CutDocument, key: Ed25519PrivateKey) -> bytes:
    """The whole file; the same bytes whenever it is run again."""
    content = document.builtins()
    return canonical(
        {
            "document": content,
            "signature": {
                "algorithm": "Ed25519",
                "public_key": public_key_text(key.public_key()),
                "value": b64encode(key.sign(canonical(content))).decode(),
            },
        }
    )


def read_file(data: bytes) -> SignedFile:
    """Raises InvalidInput when it is not of this shape."""
    try:
        return msgspec.convert(read_strictly(data), SignedFile)
    except msgspec.ValidationError as error:
        raise InvalidInput(Fault("", f"this is not a signed cut: {error}")) from None


def verify_document(data: bytes, public_key: Ed25519PublicKey | None = None) -> VerifiedCut:
    """Checks the signature, then computes ranks, line, ties, margins and selection again from
    the counts in the document. Needs no database and no settings.

    Without `public_key` the signature only shows that the document is whole: whose key it is
    must then be compared with the key that was announced. Raises InvalidInput, naming every
    part that does not follow from the counts.
    """
    file = read_file(data)
    _check_signature(file, public_key)
    try:
        document = msgspec.convert(file.document, CutDocument)
    except msgspec.ValidationError as error:
        raise InvalidInput(Fault("document", str(error))) from None
    if document.builtins() != file.document:
        raise InvalidInput(Fault("document", "holds parts that this version does not know"))
    faults = _count_faults(document)
    if not faults:
        faults = _derivation_faults(document)
    if faults:
        raise InvalidInput(*faults)
    return VerifiedCut(document, file.signature.public_key)


def _check_signature(file: SignedFile, expected: Ed25519PublicKey | None) -> None:
    try:
        key = Ed25519PublicKey.from_public_bytes(
            b64decode(file.signature.public_key, validate=True)
        )
        value = b64decode(file.signature.value, validate=True)
    except (ValueError, binascii.Error):
        raise InvalidInput(Fault("signature", "is not a key and a value in base64")) from None
    if expected is not None and expected.public_bytes_raw() != key.public_bytes_raw():
        raise InvalidInput(Fault("signature.public_key", "is not the key that was given"))
    try:
        key.verify(value, canonical(file.document))
    except InvalidSignature:
        raise InvalidInput(
            Fault("signature.value", "does not fit: the document was changed after signing")
        ) from None


def _count_faults(document: CutDocument) -> list[Fault]:
    """What is wrong with the counts themselves."""
    faults = []
    if document.format != FORMAT:
        faults.append(Fault("document.format", f"must be {FORMAT}"))
    if document.contest.cut.size < 1:
        faults.append(Fault("document.contest.cut.size", "must be at least 1"))
    numbers = [result.number for result in document.candidates]
    if len(set(numbers)) != len(numbers):
        faults.append(Fault("document.candidates", "a number stands twice"))
    figures = [("document.ballots", document.ballots)] + [
        (f"document.candidates[{place}]", result)
        for place, result in enumerate(document.candidates)
    ]
    for field, row in figures:
        if min(row.gross, row.held, row.void, row.net) < 0:
            faults.append(Fault(field, "a count is negative"))
        if row.gross != row.held + row.void + row.net:
            faults.append(Fault(field, "gross is not held + void + net"))
        if row.held:
            faults.append(Fault(field, f"{row.held} are held and not ruled"))
    rules, ballots = document.contest.ballot, document.ballots.net
    votes = sum(result.net for result in document.candidates)
    if not ballots * rules.min_choices <= votes <= ballots * rules.max_choices:
        faults.append(Fault("document.ballots.net", f"{ballots} ballots cannot hold {votes} votes"))
    return faults


def _derivation_faults(document: CutDocument) -> list[Fault]:
    """What does not follow from the counts."""
    report = document.ties[0] if document.ties else None
    decision = TieDecision(report.order, report.drawn, report.decided_at) if report else None
    ballots = document.ballots
    try:
        expected = build_document(
            document.contest,
            {result.number: result.name for result in document.candidates},
            {r.number: Count(r.gross, r.held, r.void) for r in document.candidates},
            Count(ballots.gross, ballots.held, ballots.void),
            decision,
            version=document.version,
        ).builtins()
    except (InvalidInput, Refused) as error:
        return [Fault("document.ties", str(error))]
    return [
        Fault(f"document.{part}", "does not follow from the counts and the announced rules")
        for part, value in document.builtins().items()
        if value != expected[part]
    ]
