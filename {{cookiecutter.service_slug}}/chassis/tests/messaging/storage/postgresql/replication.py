"""PostgreSQL servers of a test's own, on loopback and without a password: one, or two that swap roles."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from chassis.testing.messaging.chaos.processes import free_port
from tests.support.servers import skip_if_none

START_SECONDS = 60
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parts[-2]))
OWNERS = ("postgres", "nobody")
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "wal_log_hints": "on",  # for pg_rewind
    "hot_standby": "on",
    "wal_keep_size": "256MB",
    "fsync": "off",  # no test takes the power away
}


@dataclass
class Server:
    """One server."""

    data: Path
    port: int = field(default_factory=free_port)
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For its administrator and for the service alike."""
        return f"postgresql://admin@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = [part for name, value in {**OPTIONS, **self.settings}.items() for part in ("-c", f"{name}={value}")]
        with self.data.with_suffix(".log").open("ab") as log:
            command = [
                *_as_owner(),
                str(PROGRAMS[-1] / "postgres"),
                "-D",
                str(self.data),
                "-p",
                str(self.port),
                *options,
            ]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        self.until("SELECT true")

    def end(self, how: signal.Signals) -> None:
        """End it: SIGINT in order, SIGQUIT as in a crash."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(START_SECONDS)
            self.process = None

    def run(self, *statements: str) -> object:
        """Run statements; returns the first value of the last one, if it has one."""
        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def until(self, condition: str) -> None:
        """Wait until a query yields true."""
        deadline = time.monotonic() + START_SECONDS
        while not self._yields_true(condition):
            assert time.monotonic() < deadline, f"{condition}: {self.data.with_suffix('.log').read_text()}"
            time.sleep(0.05)

    def _yields_true(self, condition: str) -> bool:
        try:
            return bool(self.run(condition))
        except psycopg.OperationalError:
            return False


@dataclass
class Pair:
    """A primary whose commits wait for its standby."""

    primary: Server
    standby: Server

    def demote(self) -> None:
        """Make the primary refuse changes, and keep its connections; all that it accepted is on the standby."""
        self.primary.run("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        self.primary.until(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_xid IS NOT NULL) "
            "AND EXISTS (SELECT FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn())"
        )

    def promote(self) -> None:
        """Make the standby the primary; it waits for no standby of its own until `rejoin`."""
        self.standby.run(
            "ALTER SYSTEM RESET synchronous_standby_names",
            "ALTER SYSTEM RESET default_transaction_read_only",
            "SELECT pg_reload_conf()",
            "SELECT pg_promote()",
        )
        self.primary, self.standby = self.standby, self.primary

    def rejoin(self) -> None:
        """Have the server that was the primary follow the present one."""
        if self.standby.process is not None:
            self.standby.end(signal.SIGINT)
        else:  # after a crash: it has to end in order before it can be rewound
            self.standby.start()
            self.standby.end(signal.SIGINT)
        self.primary.run("CHECKPOINT")  # pg_rewind finds the new timeline only there
        run("pg_rewind", "-D", self.standby.data, "--source-server", self.primary.url, "--no-sync", "-R")
        self.standby.start()
        self.replicate_synchronously()

    def replicate_synchronously(self) -> None:
        """From now on, commits wait until the standby has applied them."""
        self.primary.until("SELECT EXISTS (SELECT FROM pg_stat_replication WHERE state = 'streaming')")
        self.primary.run(
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
            "ALTER SYSTEM SET synchronous_commit = 'remote_apply'",
            "SELECT pg_reload_conf()",
        )
        self.primary.until("SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')")


@contextmanager
def replicating_pair() -> Iterator[Pair]:
    """Both servers inside the block."""
    with single_server() as primary:
        pair = Pair(primary, Server(primary.data.with_name("other")))
        run("pg_basebackup", "-D", pair.standby.data, "-d", primary.url, "-R", "--checkpoint=fast", "--no-sync")
        other = pair.standby
        try:
            other.start()
            pair.replicate_synchronously()
            yield pair
        finally:
            other.end(signal.SIGQUIT)


@contextmanager
def single_server(**settings: str) -> Iterator[Server]:
    """A server of a test's own, with these settings, inside the block."""
    skip_if_none()
    if not PROGRAMS:
        if os.environ.get("LIVE") == "required":
            pytest.fail("PostgreSQL is not installed", pytrace=False)
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="server-"))
    if owner := _owner():
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    server = Server(folder / "data", settings=settings)
    try:
        run("initdb", "-D", server.data, "--username=admin", "--auth=trust", "--encoding=UTF8", "--no-sync")
        server.start()
        yield server
    finally:
        server.end(signal.SIGQUIT)
        shutil.rmtree(folder)


def run(program: str, *arguments: object) -> None:
    """Run one of the server's programs as the user that owns the data."""
    command = [*_as_owner(), str(PROGRAMS[-1] / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, check=False, cwd="/")
    assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


def _owner() -> pwd.struct_passwd | None:
    """Who the servers run as where the tests are root: they refuse that themselves."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    return next(known[name] for name in OWNERS if name in known)


def _as_owner() -> list[str]:
    user = _owner()
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []
