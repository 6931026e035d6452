"""The real nginx with the sample of deploy/nginx, on free ports of the loopback."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.fakes.signers import private_pem
from tests.patience import PATIENCE_SECONDS, eventually
from voting_service.demo.embedded_server import free_port

SAMPLE = Path(__file__).parents[2] / "deploy" / "nginx" / "voting.conf"
PUBLIC, STAFF = "vote.example.org", "staff.example.org"
MAIN = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;  # as Debian's own nginx.conf has it
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    include {folder}/voting.conf;
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx."""

    https_port: int
    http_port: int
    folder: Path

    def client(self, host: str = PUBLIC, from_address: str = "127.0.0.1") -> httpx.AsyncClient:
        """Return a client of one site, that comes from an address of the loopback."""
        trusting = ssl.create_default_context(cafile=str(self.folder / "voting.crt"))
        trusting.check_hostname = False
        return httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{self.https_port}",
            headers={"host": host},
            transport=httpx.AsyncHTTPTransport(
                verify=trusting,
                local_address=from_address,
                # A handshake costs the client ten requests.
                limits=httpx.Limits(max_connections=10),
            ),
            timeout=PATIENCE_SECONDS,
        )


@asynccontextmanager
async def nginx(folder: Path, upstreams: Mapping[str, str]) -> AsyncIterator[Nginx]:
    """Run nginx; `upstreams` has where each address of the sample's upstreams really is."""
    running = Nginx(free_port(), free_port(), folder)
    _write_certificate(folder)
    text = SAMPLE.read_text(encoding="utf-8")
    replaced = {
        **{f"server {sample} ": f"server {real} " for sample, real in upstreams.items()},
        "    listen [::]:443 ssl http2;\n": "",
        "    listen [::]:80;\n": "",
        "listen 443 ": f"listen 127.0.0.1:{running.https_port} ",
        "listen 80;": f"listen 127.0.0.1:{running.http_port};",
        "/etc/nginx/tls/": f"{folder}/",
        "/var/log/nginx/": f"{folder}/",
    }
    for sample, real in replaced.items():
        assert sample in text, sample
        text = text.replace(sample, real)
    (folder / "voting.conf").write_text(text, encoding="utf-8")
    main = folder / "nginx.conf"
    main.write_text(MAIN.format(folder=folder), encoding="utf-8")
    error_log = folder / "error.log"
    process = await asyncio.create_subprocess_exec(
        "nginx", "-e", str(error_log), "-c", str(main), "-p", str(folder)
    )
    try:
        await eventually(lambda: _answers(process, running.https_port, error_log))
        yield running
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _answers(process: asyncio.subprocess.Process, port: int, error_log: Path) -> bool:
    assert process.returncode is None, error_log.read_text(encoding="utf-8")
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, PUBLIC)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    (folder / "voting.key").write_bytes(private_pem(key))
    (folder / "voting.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
