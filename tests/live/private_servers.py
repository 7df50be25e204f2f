"""Database servers of a test's own, on a free port and with a certificate: they may be stopped and killed at will.

    with postgresql() as server:
        server.set_password("another")
        server.kill()
        server.start()

Only encrypted connections get in over the network, and only with a password.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote

import trustme

from tests.process import free_port
from tools import mysql_server

START_SECONDS = 60
NAME = "service"
BACKSLASH = "\\"
UNPRIVILEGED = ("postgres", "mysql", "nobody")


@dataclass
class Server:
    """A server process and what it needs: it is started anew on the same data."""

    kind: str
    folder: Path
    port: int
    command: Sequence[str]
    # Run with a statement at the end, as its administrator, past passwords and encryption.
    shell: Sequence[str]
    # The signal that makes it end in order, and the one that makes it end as in a crash.
    signals: tuple[signal.Signals, signal.Signals]
    password: str = "tIg3r-81-meadow"  # noqa: S105 - of a server that lives for seconds
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def scheme(self) -> str:
        """What the URLs of its databases begin with."""
        return {"mariadb": "mysql"}.get(self.kind, self.kind)

    @property
    def ca_file(self) -> Path:
        """The authority that signed its certificate."""
        return self.folder / "ca.pem"

    @property
    def address(self) -> str:
        """Its database, for those who get the password elsewhere."""
        return self.url(None)

    def url(self, password: str | None) -> str:
        """Its database."""
        login = NAME if password is None else f"{NAME}:{quote(password, safe='')}"
        return f"{self.scheme}://{login}@127.0.0.1:{self.port}/{NAME}"

    def execute(self, statement: str) -> str:
        """Run a statement as its administrator."""
        done = subprocess.run([*self.shell, statement], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, f"{statement}: {done.stderr}"
        return done.stdout.strip()

    def set_password(self, password: str) -> None:
        """Change the password of `service`; connections that are open stay open."""
        quoted = password.replace("'", "''")
        if self.scheme == "mysql":
            self.execute(f"ALTER USER {NAME}@'%' IDENTIFIED BY '{quoted.replace(BACKSLASH, BACKSLASH * 2)}'")
            if self.kind == "mysql":
                self._log_in(password)
        else:
            self.execute(f"ALTER ROLE {NAME} PASSWORD '{quoted}'")
        self.password = password

    def _log_in(self, password: str) -> None:
        """MySQL lets an old password in, from its cache, until the new one was used once."""
        login = [f"--socket={self.folder / 'socket'}", f"--user={NAME}", f"--password={password}"]
        command = ["mariadb", "--no-defaults", *login, "--default-character-set=utf8mb4", "-e", "SELECT 1"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr

    def end_connections(self) -> None:
        """End those of `service`, which outlive a change of its password."""
        if self.kind == "postgresql":
            self.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'service'")
        elif self.kind == "mariadb":
            self.execute(f"KILL USER {NAME}")
        else:
            found = self.execute("SELECT id FROM information_schema.processlist WHERE user = 'service'")
            self.execute("; ".join(f"KILL {number}" for number in found.split()))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert self.process is None, "it runs already"
        with (self.folder / "server.log").open("ab") as log:
            command = [*_as_unprivileged(), *self.command]
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.log()}"
            assert time.monotonic() < deadline, f"no answer after {START_SECONDS} s:\n{self.log()}"
            time.sleep(0.05)

    def stop(self) -> None:
        """End it in order; open connections are closed."""
        self._end(self.signals[0])

    def kill(self) -> None:
        """End it as a crash would: what was committed comes back with the next start, and nothing else."""
        self._end(self.signals[1])

    def log(self) -> str:
        """Everything it wrote."""
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(START_SECONDS)
            self.process = None

    def _answers(self) -> bool:
        done = subprocess.run([*self.shell, "SELECT 1"], capture_output=True, timeout=30, check=False)
        return done.returncode == 0


@contextmanager
def postgresql() -> Iterator[Server]:
    """A PostgreSQL with the database and the role `service`, as long as the block lasts."""
    programs = postgresql_programs()
    assert programs, "PostgreSQL is not installed; a test that starts one is marked with what it needs"
    with _folder() as folder:
        data, port = folder / "data", free_port()
        _run(programs / "initdb", "--pgdata", data, "--username=admin", "--encoding=UTF8", "--no-locale", "--no-sync")
        (data / "pg_hba.conf").write_text("local all admin trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": folder,
            "ssl": "on",
            "ssl_cert_file": folder / "server.pem",
            "ssl_key_file": folder / "server.key",
            "password_encryption": "scram-sha-256",
        }
        command = [str(programs / "postgres"), "-D", str(data), "-p", str(port)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        shell = ["psql", "-XqAt", "-h", str(folder), "-p", str(port), "-U", "admin", "-d", "postgres", "-c"]
        server = Server("postgresql", folder, port, command, shell, (signal.SIGINT, signal.SIGQUIT))
        with _running(server):
            server.execute(f"CREATE ROLE {NAME} LOGIN")
            server.set_password(server.password)
            server.execute(f"CREATE DATABASE {NAME} OWNER {NAME}")
            yield server


@contextmanager
def mariadb() -> Iterator[Server]:
    """A MariaDB with the database and the user `service`, as long as the block lasts."""
    programs = mariadb_programs()
    assert programs, "MariaDB is not installed; a test that starts one is marked with what it needs"
    with _folder() as folder:
        port = free_port()
        install = ("--no-defaults", f"--datadir={folder / 'data'}", "--auth-root-authentication-method=normal")
        _run("mariadb-install-db", *install, "--skip-test-db", "--skip-name-resolve")
        command = [
            str(programs),
            "--no-defaults",
            f"--datadir={folder / 'data'}",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={folder / 'socket'}",
            f"--pid-file={folder / 'pid'}",
            f"--ssl-cert={folder / 'server.pem'}",
            f"--ssl-key={folder / 'server.key'}",
            "--require-secure-transport=ON",
            "--innodb-buffer-pool-size=16M",
        ]
        with _running_with_user("mariadb", folder, port, command) as server:
            yield server


@contextmanager
def mysql() -> Iterator[Server]:
    """MySQL itself, likewise; its accounts log in by `caching_sha2_password`. MariaDB's client administers it."""
    assert mysql_server.version(), "MySQL was not fetched; a test that starts it is marked with what it needs"
    with _folder() as folder:
        port, data = free_port(), folder / "data"
        shutil.copytree(mysql_server.FOLDER / "data", data)
        if user := _unprivileged():
            for path in (data, *data.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid)
        command = [
            *(word for word in mysql_server.command(data) if not word.startswith("--user=")),
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={folder / 'socket'}",
            f"--pid-file={folder / 'pid'}",
            f"--ssl-ca={folder / 'ca.pem'}",
            f"--ssl-cert={folder / 'server.pem'}",
            f"--ssl-key={folder / 'server.key'}",
            "--require-secure-transport=ON",
        ]
        with _running_with_user("mysql", folder, port, command) as server:
            yield server


@contextmanager
def _running_with_user(kind: str, folder: Path, port: int, command: Sequence[str]) -> Iterator[Server]:
    shell = ["mariadb", "--no-defaults", f"--socket={folder / 'socket'}", "--user=root", "-N", "-B", "-e"]
    server = Server(kind, folder, port, command, shell, (signal.SIGTERM, signal.SIGKILL))
    with _running(server):
        server.execute(f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4")
        server.execute(f"CREATE USER {NAME}@'%'")
        server.set_password(server.password)
        server.execute(f"GRANT ALL ON {NAME}.* TO {NAME}@'%'")
        yield server


@cache
def postgresql_programs() -> Path | None:
    """Where initdb and postgres are; None if they are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found and (config := shutil.which("pg_config")):
        done = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        found = [path for path in [Path(done.stdout.strip(), "initdb")] if path.exists()]
    return found[-1].parent if found and shutil.which("psql") else None


@cache
def mariadb_programs() -> Path | None:
    """The server; None if it, or what sets it up, is not installed."""
    server = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    return Path(server) if server and shutil.which("mariadb-install-db") and shutil.which("mariadb") else None


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder with a certificate, for the user that the server runs as; a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="server-"))
    try:
        write_certificate(folder)
        for path in (folder, *folder.iterdir()):
            if user := _unprivileged():
                os.chown(path, user.pw_uid, user.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder)


def write_certificate(folder: Path) -> None:
    """A new authority (ca.pem), and a certificate of it for 127.0.0.1 (server.pem, server.key)."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "server.key")
    for part in certificate.cert_chain_pems:
        part.write_to_path(folder / "server.pem", append=True)
    (folder / "server.key").chmod(0o600)


@contextmanager
def _running(server: Server) -> Iterator[None]:
    try:
        server.start()
        yield
    finally:
        server.kill()


@cache
def _unprivileged() -> pwd.struct_passwd | None:
    """Who servers run as where the tests are root: they refuse that themselves."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    return next(known[name] for name in UNPRIVILEGED if name in known)


def _as_unprivileged() -> list[str]:
    user = _unprivileged()
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []


def _run(*command: object) -> None:
    call = [*_as_unprivileged(), *map(str, command)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=START_SECONDS, check=False, cwd="/")
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
