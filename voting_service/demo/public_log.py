"""The public logs of a demo: the settings for them, and two witnesses with keys of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from voting_service.demo.contest import NEXT_SLUG, PAST_SLUG, SLUG
from voting_service.demo.data_folder import DataFolder
from voting_service.demo.embedded_server import HOST, free_port
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.infrastructure.transparency_log.signed_note import COSIGNATURE, verifier_key
from voting_service.settings import PREFIX

BUNDLE_SECONDS = 20


class DemoWitness(NamedTuple):
    """A witness that listens on a port of this machine."""

    name: str
    folder: Path
    port: int

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def setting(self) -> str:
        """Its verifier key and address, as in VOTING_LOG_WITNESSES."""
        key = load_signing_key(self.folder / "key.pem")
        return f"{verifier_key(self.name, key, COSIGNATURE).text} {self.address}"

    def words(self, logs: list[str]) -> list[str]:
        """Return the arguments of its command; `logs` are the logs' verifier keys."""
        return [
            *("witness", "serve", "--name", self.name, "--key", str(self.folder / "key.pem")),
            *("--state", str(self.folder / "cosigned.json"), "--listen", f"{HOST}:{self.port}"),
            *(word for log in logs for word in ("--log", log)),
        ]


class DemoLogs(NamedTuple):
    """The logs of the demo's contests, with their witnesses."""

    data: DataFolder
    port: int
    witnesses: tuple[DemoWitness, ...]

    @classmethod
    def of(cls, data: DataFolder, port: int) -> DemoLogs:
        """Return the logs of a demo whose public site has the port."""
        witnesses = (
            DemoWitness(f"witness-{folder.name}.demo", folder, free_port())
            for folder in data.witness_folders
        )
        return cls(data, port, tuple(witnesses))

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of the programs."""
        return {
            PREFIX + "LOG_KEY_FILE": str(self.data.log_key_file),
            PREFIX + "LOG_FOLDER": str(self.data.log_folder),
            PREFIX + "LOG_WITNESSES": ",".join(w.setting for w in self.witnesses),
            PREFIX + "LOG_BUNDLE_SECONDS": str(BUNDLE_SECONDS),
        }

    @property
    def commands(self) -> Mapping[str, list[str]]:
        """The arguments of the witnesses' commands, by the name of the program."""
        key = load_signing_key(self.data.log_key_file)
        logs = [
            verifier_key(f"{HOST}:{self.port}/log/{slug}", key).text
            for slug in (SLUG, NEXT_SLUG, PAST_SLUG)
        ]
        return {f"witness-{w.folder.name}": w.words(logs) for w in self.witnesses}
