"""A real PgBouncer in front of a server. `make test` installs it."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from voting_service.demo.child import spawn, stop
from voting_service.demo.embedded_postgres import SYSTEM_USER
from voting_service.demo.embedded_server import HOST, free_port, port_is_free

_CONFIGURATION = """\
[databases]
* = host={host} port={server_port}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = {size}
"""


@asynccontextmanager
async def running_pooler(url: str, *, mode: str = "session", size: int = 20) -> AsyncIterator[str]:
    """Run PgBouncer in front of the server of `url`; yield the URL through it."""
    parts, port = urlsplit(url), free_port()
    with tempfile.TemporaryDirectory(prefix="voting-pooler-") as name:
        folder = Path(name)
        configuration, users = folder / "pgbouncer.ini", folder / "users"
        configuration.write_text(
            _CONFIGURATION.format(
                host=HOST, server_port=parts.port, port=port, folder=folder, mode=mode, size=size
            )
        )
        users.write_text(f'"{parts.username}" "{parts.password}"\n')
        for path, permissions in ((folder, 0o711), (configuration, 0o644), (users, 0o644)):
            path.chmod(permissions)
        process = spawn(
            ["pgbouncer", "--quiet", str(configuration)],
            log_file=folder / "log",
            death_signal=signal.SIGINT,
            user=SYSTEM_USER if os.geteuid() == 0 else None,
        )
        try:
            while port_is_free(port):
                assert process.poll() is None, (folder / "log").read_text()
                await asyncio.sleep(0.02)
            login = parts.netloc.rpartition("@")[0]
            yield urlunsplit(parts._replace(netloc=f"{login}@{HOST}:{port}"))
        finally:
            await stop(process, ((signal.SIGINT, 5.0),))
