"""The joint office's key and certificate: what is read, and what is refused with which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509 import load_pem_x509_certificate

from tests.fakes.signers import private_pem
from voting_service.demo.document_signer import VALID, demo_signer
from voting_service.errors import Refused
from voting_service.infrastructure.crypto.signed_pdf import load_document_signer

DEMO = "演示签章（无效） Demo stamp (not valid)"


def store(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_pem_and_pkcs12_give_the_same_signer(tmp_path: Path) -> None:
    key, certificate = demo_signer()
    files = store(tmp_path, "key.pem", key), store(tmp_path, "certificate.pem", certificate)
    from_pem = load_document_signer(*files, None)
    bundle = pkcs12.serialize_key_and_certificates(
        None,
        load_pem_private_key(key, None),  # type: ignore[arg-type]
        load_pem_x509_certificate(certificate),
        None,
        BestAvailableEncryption(b"secret"),
    )
    packed = store(tmp_path, "office.p12", bundle)
    from_pkcs12 = load_document_signer(packed, None, "secret")
    assert from_pem.name == from_pkcs12.name == DEMO
    assert from_pem.certificate == from_pkcs12.certificate
    with pytest.raises(Refused, match="cannot be read"):
        load_document_signer(packed, None, "wrong")
    now = datetime.now(UTC)
    from_pem.require_valid(now)
    for moment in (now - timedelta(days=2), now + VALID):
        with pytest.raises(Refused, match="is valid from"):
            from_pem.require_valid(moment)


def test_what_no_reader_could_check_is_refused(tmp_path: Path) -> None:
    key, certificate = demo_signer()
    other, _ = demo_signer()
    stored = store(tmp_path, "certificate.pem", certificate)
    for content, words in (
        (other, "no certificate of the key"),
        (private_pem(), "an RSA or elliptic-curve key"),
        (b"nothing", "cannot be read"),
    ):
        with pytest.raises(Refused, match=words):
            load_document_signer(store(tmp_path, "key", content), stored, None)
    with pytest.raises(Refused, match="no certificate of the key"):
        load_document_signer(store(tmp_path, "key", key), None, None)
    with pytest.raises(Refused, match="cannot be read"):
        load_document_signer(tmp_path / "missing", stored, None)
