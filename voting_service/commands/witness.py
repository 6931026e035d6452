"""`witness`: cosign the checkpoints of public logs."""

from __future__ import annotations

from pathlib import Path

import click
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from voting_service.commands.output import message
from voting_service.errors import Refused
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.infrastructure.durable_files import PRIVATE, replace_file
from voting_service.infrastructure.logs import configure_logs
from voting_service.infrastructure.transparency_log.signed_note import (
    COSIGNATURE,
    ED25519,
    read_verifier_key,
    verifier_key,
)
from voting_service.sites.witness.app import WitnessState, create_app
from voting_service.sites.witness.cosigned import open_cosigned_logs


@click.group()
def witness() -> None:
    """Watch public logs, and cosign what they have only if they did nothing but grow.

    A witness is somebody else than the log's operator: a union, a notary, another newspaper. It
    needs a machine of its own, one key and one file; no database, and no other setting.
    """


@witness.command("new-key")
@click.argument("name")
@click.option("--key", type=click.Path(dir_okay=False, path_type=Path), required=True)
def new_key(name: str, key: Path) -> None:
    """Make a key, and print the verifier key under NAME (such as unions.example/witness).

    The log's operator and everybody who checks the log need what is printed.
    """
    if key.exists():
        raise Refused("sites.witness.key_exists", file=key)
    made = Ed25519PrivateKey.generate()
    line = _verifier_line(name, made)
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    replace_file(key, pem, PRIVATE)
    click.echo(line)


@witness.command("serve")
@click.option("--name", required=True, help="The name of this witness, as given to new-key.")
@click.option("--key", type=click.Path(path_type=Path), required=True, help="Its private key, PEM.")
@click.option(
    "--log",
    "logs",
    multiple=True,
    required=True,
    help="The verifier key of a log, /log/SLUG/key, or of all logs of a service, /log/key.",
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file that keeps what was cosigned. Never set it back to an older copy.",
)
@click.option("--listen", default="127.0.0.1:8200", show_default=True, help="HOST:PORT.")
def serve(name: str, key: Path, logs: tuple[str, ...], state: Path, listen: str) -> None:
    """Answer the logs that ask for a cosignature, at http://HOST:PORT/add-checkpoint.

    What is cosigned is on disk before the answer leaves. Put a proxy with TLS in front of it.
    """
    keys = [read_verifier_key(line, (ED25519,)) for line in logs]
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise click.UsageError(message("witness.listen"))
    configure_logs("info")
    private_key = load_signing_key(key)
    with open_cosigned_logs(state) as cosigned:
        witness_state = WitnessState(name, private_key, {k.name: k for k in keys}, cosigned)
        click.echo(f"witness {_verifier_line(name, private_key)} at http://{listen}")
        app = create_app(witness_state)
        uvicorn.run(app, host=host, port=int(port), log_config=None, access_log=False)


def _verifier_line(name: str, key: Ed25519PrivateKey) -> str:
    try:
        return verifier_key(name, key, COSIGNATURE).text
    except ValueError:
        raise Refused("sites.witness.impossible_name", name=name) from None
