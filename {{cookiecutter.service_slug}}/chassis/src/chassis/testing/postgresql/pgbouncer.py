"""A PgBouncer in transaction mode, for the length of a test."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg

from . import DEFAULT_PORT

START_SECONDS = 20
ACCOUNT = "pooled"
ADMINISTRATION = "pgbouncer"  # the name of PgBouncer's own database
# Ends PgBouncer when its standard input is closed: by the test, or because the process that started it has ended.
SUPERVISED = '"$0" "$1" & read -r _; kill $!; wait'
CONFIGURATION = """\
[databases]
* = {server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 500
auth_type = scram-sha-256
auth_file = {folder}/accounts
admin_users = {account}
"""


@dataclass(frozen=True)
class PgBouncer:
    """A running PgBouncer.

    Attributes:
        port: on loopback.
        password: of its only account.
    """

    port: int
    password: str

    def url_of(self, database_url: str) -> str:
        """The URL of a database through this pooler.

        Args:
            database_url: of the same database on the server.
        """
        netloc = f"{ACCOUNT}:{self.password}@127.0.0.1:{self.port}"
        return urlunsplit(urlsplit(database_url)._replace(netloc=netloc))

    def administer(self, command: str) -> list[tuple[Any, ...]]:
        """Run a command of PgBouncer's console, such as `RECONNECT` or `SHOW POOLS`; returns the rows it shows."""
        url = self.url_of(f"postgresql://host/{ADMINISTRATION}")
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
            cursor = connection.execute(command.encode())
            return cursor.fetchall() if cursor.description else []


def installed() -> str | None:
    """Where the program is; None if it is not installed."""
    return shutil.which("pgbouncer", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin")))


@contextmanager
def pgbouncer(server_url: str, *, pool_size: int = 10) -> Iterator[PgBouncer]:
    """Start a PgBouncer on a free port of loopback, and stop it at the end of the block.

    Clients log in with the account of `PgBouncer.url_of`, and get connections of the server's account. It ends with the
    process that started it, even if that is killed.

    Args:
        server_url: the server behind it, and the account on it; every database of the server can be reached.
        pool_size: connections to each database.

    Raises:
        FileNotFoundError: it is not installed.
        TimeoutError: it does not start; the error shows its log.
    """
    if (program := installed()) is None:
        raise FileNotFoundError("pgbouncer is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    try:
        pooler = PgBouncer(_free_port(), secrets.token_hex(8))
        _configure(folder, pooler, server_url, pool_size)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", SUPERVISED, program, folder / "pgbouncer.ini"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                **_unprivileged(folder),
            )
        with process:  # closes its standard input at the end, and waits
            _wait_for(pooler, folder)
            yield pooler
    finally:
        shutil.rmtree(folder)


def _configure(folder: Path, pooler: PgBouncer, server_url: str, pool_size: int) -> None:
    server = urlsplit(server_url)
    parts = {"host": server.hostname or "127.0.0.1", "port": str(server.port or DEFAULT_PORT)}
    parts |= {"user": unquote(server.username or ""), "password": unquote(server.password or "")}
    described = " ".join(f"{name}={_quoted(value)}" for name, value in parts.items() if value)
    text = CONFIGURATION.format(server=described, port=pooler.port, pool_size=pool_size, folder=folder, account=ACCOUNT)
    for name, content in (("pgbouncer.ini", text), ("accounts", f'"{ACCOUNT}" "{pooler.password}"\n')):
        (folder / name).write_text(content)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Arguments of Popen for another account than root, which PgBouncer refuses; the folder is given to it."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("nobody")
    for path in (folder, *folder.iterdir()):
        os.chown(path, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port: int = unused.getsockname()[1]
        return port


def _wait_for(pooler: PgBouncer, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            pooler.administer("SHOW VERSION")
            return
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise TimeoutError((folder / "log").read_text(errors="replace")) from error
            time.sleep(0.05)
