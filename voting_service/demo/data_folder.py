"""The DATA folder of a demo. Keys and passwords in it are random, made at the first start."""

from __future__ import annotations

import fcntl
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import urandom
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.demo.contest import PLATFORM_SLUG, PLATFORMS
from voting_service.demo.document_signer import demo_signer
from voting_service.demo.embedded_server import HOST
from voting_service.demo.private_files import write_private
from voting_service.errors import Refused
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.infrastructure.transparency_log.signed_note import (
    COSIGNATURE,
    VerifierKey,
    verifier_key,
)
from voting_service.settings import DEMO_SETTINGS_FILE, PREFIX
from voting_service.staff.accounts.model import Role
from voting_service.staff.accounts.second_factor import new_secret

STAFF: Mapping[str, Role] = {
    "clerk-1": "tally_clerk",
    "clerk-2": "tally_clerk",
    "reviewer-1": "reviewer",
    "reviewer-2": "reviewer",
    "supervisor-1": "supervisor",
    "supervisor-2": "supervisor",
    "auditor-1": "auditor",
    "administrator-1": "administrator",
}
NO_GUESTS: Mapping[str, Role] = MappingProxyType({})

SETTINGS = tuple(
    PREFIX + name
    for name in (
        "DATABASE_URL",
        "OWNER_DATABASE_URL",
        "VALKEY_URL",
        "MASTER_KEY",
        "SIGNING_KEY_FILE",
        "DOCUMENT_SIGNING_KEY_FILE",
        "DOCUMENT_SIGNING_CERTIFICATE_FILE",
        "LOG_KEY_FILE",
        "LOG_FOLDER",
        "LOG_HOST",
        "LOG_BUNDLE_SECONDS",
        "LOG_WITNESSES",
        "METRICS_PORT",
        "KEEP_MESSAGES",
    )
)
"""The variables in settings.env."""
LOG_BUNDLE_SECONDS = "20"
"""A bundle of a hundred ballots closes within half a minute, so that a visitor sees it."""


class StaffLogin(msgspec.Struct, frozen=True):
    """One entry of accounts.json."""

    name: str
    role: Role
    password: str
    totp_secret: str


class DemoWitness(NamedTuple):
    """A witness of the demo's public logs, with a folder of its own."""

    name: str
    folder: Path

    @property
    def key_file(self) -> Path:
        return self.folder / "key.pem"

    @property
    def verifier_key(self) -> VerifierKey:
        """The public key, once the keys are made."""
        return verifier_key(self.name, load_signing_key(self.key_file), COSIGNATURE)

    def command(self, port: int, logs: VerifierKey) -> list[str]:
        """Return the arguments of `voting-service` that run it."""
        state = self.folder / "cosigned.json"
        files = ["--key", str(self.key_file), "--state", str(state)]
        where = ["--log", logs.text, "--listen", f"{HOST}:{port}"]
        return ["witness", "serve", "--name", self.name, *files, *where]


class DataFolder:
    """The files of one demo. Secrets are mode 0600; what exists is kept."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.postgres = self.path / "postgres"
        self.valkey = self.path / "valkey"
        self.logs = self.path / "logs"
        self.settings_file = self.path / DEMO_SETTINGS_FILE
        self.contents_file = self.path / "stage"
        self.accounts_file = self.path / "accounts.json"
        self.platform_key_files = {
            slug: self.path / "platforms" / f"{slug}.pem" for slug in PLATFORMS
        }
        self.platform_key_file = self.platform_key_files[PLATFORM_SLUG]
        self.signing_key_file = self.path / "keys" / "signing.pem"
        self.document_key_file = self.path / "keys" / "documents.pem"
        self.document_certificate_file = self.path / "keys" / "documents.crt"
        self.master_key_file = self.path / "keys" / "master.key"
        self.log_key_file = self.path / "keys" / "log.pem"
        self.log = self.path / "log"
        self.witnesses = tuple(
            DemoWitness(f"demo.example/witness-{number}", self.path / "witnesses" / str(number))
            for number in (1, 2)
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder for one demo. Raises Refused while another one runs on it."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refused("demo.data_folder.already_running", path=self.path) from None
            yield

    def ensure_keys(self) -> None:
        """Create the keys that are missing."""
        witness_keys = (witness.key_file for witness in self.witnesses)
        keys = (*self.platform_key_files.values(), self.signing_key_file, self.log_key_file)
        for key_file in (*keys, *witness_keys):
            if not key_file.exists():
                write_private(key_file, _new_private_key())
        if not self.document_certificate_file.exists():
            key, certificate = demo_signer()
            write_private(self.document_key_file, key)
            write_private(self.document_certificate_file, certificate)
        if not self.master_key_file.exists():
            write_private(self.master_key_file, b64encode(urandom(32)))

    def staff(self, guests: Mapping[str, Role] = NO_GUESTS) -> tuple[StaffLogin, ...]:
        """Return the staff's names, passwords and TOTP secrets from accounts.json.

        The first call creates the file, for the staff and `guests`.
        """
        if not self.accounts_file.exists():
            logins = [
                StaffLogin(name, role, secrets.token_urlsafe(15), new_secret())
                for name, role in {**STAFF, **guests}.items()
            ]
            write_private(
                self.accounts_file, json.dumps(msgspec.to_builtins(logins), indent=2) + "\n"
            )
        return msgspec.json.decode(self.accounts_file.read_bytes(), type=tuple[StaffLogin, ...])

    def write_settings(
        self,
        *,
        database_url: str,
        owner_url: str,
        valkey_url: str,
        metrics_port: int,
        witness_ports: Sequence[int],
    ) -> None:
        """Write settings.env, which commands with VOTING_DATA read; the port is that of `serve`."""
        witnesses = [
            f"{witness.verifier_key.text} http://{HOST}:{port}"
            for witness, port in zip(self.witnesses, witness_ports, strict=True)
        ]
        values = (
            database_url,
            owner_url,
            valkey_url,
            self.master_key_file.read_text(encoding="ascii"),
            str(self.signing_key_file),
            str(self.document_key_file),
            str(self.document_certificate_file),
            str(self.log_key_file),
            str(self.log),
            HOST,
            LOG_BUNDLE_SECONDS,
            ",".join(witnesses),
            str(metrics_port),
            "true",
        )
        lines = ["# Written at every start of the demo."]
        lines += [f"{name}={_quoted(value)}" for name, value in zip(SETTINGS, values, strict=True)]
        write_private(self.settings_file, "\n".join(lines) + "\n")

    @property
    def master_key(self) -> bytes:
        return b64decode(self.master_key_file.read_bytes())


def _new_private_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
