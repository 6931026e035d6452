"""Signatures in PDF files that a reader shows (PAdES, baseline level B: no time-stamping authority
is asked, so the time of signing is the signer's own)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from voting_service.errors import Refused
from voting_service.infrastructure.crypto.signature_place import SignaturePlace

SignerKey = RSAPrivateKey | EllipticCurvePrivateKey
"""The kinds of key whose signatures common readers check."""


class DocumentSigner(NamedTuple):
    """The key and certificate of the joint office, and the certificates up to its authority's."""

    key: SignerKey
    certificate: x509.Certificate
    chain: Sequence[x509.Certificate]

    @property
    def name(self) -> str:
        """Who signs: the common name of the certificate, else its organisation."""
        for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
            for attribute in self.certificate.subject.get_attributes_for_oid(kind):
                return str(attribute.value)
        return self.certificate.subject.rfc4514_string()

    def require_valid(self, now: datetime) -> None:
        """Raise Refused unless the certificate is valid at this time."""
        begins, ends = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        if not begins <= now <= ends:
            raise Refused(
                "infrastructure.crypto.document_certificate_expired", begins=begins, ends=ends
            )


def load_document_signer(
    key_file: Path, certificate_file: Path | None, passphrase: str | None
) -> DocumentSigner:
    """Load a PKCS#12 file, or a PEM key and the PEM file of its certificate, which others up to the
    authority's may follow. Raises Refused for what cannot be read, another kind of key, or a
    certificate of another key."""
    secret = None if passphrase is None else passphrase.encode()
    key: object
    try:
        data = key_file.read_bytes()
        if data.lstrip().startswith(b"-----BEGIN"):
            key = load_pem_private_key(data, secret)
            certificates = (
                []
                if certificate_file is None
                else x509.load_pem_x509_certificates(certificate_file.read_bytes())
            )
        else:
            key, first, others = pkcs12.load_key_and_certificates(data, secret)
            certificates = [*([first] if first else []), *others]
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused(
            "infrastructure.crypto.document_signer_unreadable", path=key_file, error=error
        ) from None
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        raise Refused("infrastructure.crypto.document_key_kind", path=key_file)
    own = _public(key.public_key())
    matching = [held for held in certificates if _public(held.public_key()) == own]
    if not matching:
        raise Refused("infrastructure.crypto.document_certificate_missing", path=key_file)
    return DocumentSigner(key, matching[0], [held for held in certificates if held != matching[0]])


def sign_pdf(pdf: bytes, signer: DocumentSigner, place: SignaturePlace) -> bytes:
    """Return the PDF with a visible signature. Blocks, and takes no part in an event loop: call it
    in a thread."""
    bundle = pkcs12.serialize_key_and_certificates(
        None, signer.key, signer.certificate, signer.chain, NoEncryption()
    )
    # Most processes never sign, and what signs takes half a second to import.
    library = import_module(f"{__package__}.pdf_signature")
    signed: bytes = library.add_signature(pdf, bundle, place)
    return signed


def _public(key: object) -> bytes:
    encoded: bytes = key.public_bytes(  # type: ignore[attr-defined]
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return encoded
