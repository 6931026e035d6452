"""A passkey in software, with the answers that a browser gives for it."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url

UP, ATTESTED = 0x01, 0x40


@dataclass
class SoftwarePasskey:
    """A key for `host`, in a browser at `origin`."""

    host: str
    origin: str
    count: int = 0
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def register(self, options: dict[str, Any]) -> str:
        """The answer to the options of a new passkey."""
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        length = len(self.id).to_bytes(2)
        data = self._data(UP | ATTESTED) + bytes(16) + length + self.id + cbor2.dumps(cose)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            self._client("webauthn.create", options), {"attestationObject": attestation}
        )

    def sign(self, options: dict[str, Any]) -> str:
        """The answer to the options of a sign-in; the counter grows."""
        self.count += 1
        client, data = self._client("webauthn.get", options), self._data(UP)
        signature = self.key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(client, {"authenticatorData": data, "signature": signature})

    def _data(self, flags: int) -> bytes:
        return sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        client_data = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps(client_data).encode()

    def _answer(self, client: bytes, more: dict[str, bytes]) -> str:
        response = {"clientDataJSON": client, **more}
        return json.dumps(
            {
                "id": bytes_to_base64url(self.id),
                "rawId": bytes_to_base64url(self.id),
                "type": "public-key",
                "response": {name: bytes_to_base64url(part) for name, part in response.items()},
            }
        )
