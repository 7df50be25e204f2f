"""A MariaDB server of a test's own, on loopback: what is global there concerns no other test."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from chassis.testing.messaging.chaos.processes import free_port
from chassis.testing.mysql import run
from tests.support.servers import skip_if_none

START_SECONDS = 60
NAME = "service"
PROGRAM = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
INSTALL = shutil.which("mariadb-install-db")


@dataclass
class PrivateServer:
    """A server with an administrator, and a service's account that `read_only` binds."""

    port: int

    @property
    def administrator(self) -> str:
        """The URL of the administrator."""
        return f"mysql://root@127.0.0.1:{self.port}/"

    @property
    def url(self) -> str:
        """The URL of the service's database."""
        return f"mysql://{NAME}:meadow@127.0.0.1:{self.port}/{NAME}"

    def set_read_only(self, value: bool) -> None:
        """Refuse, or accept, the changes of every account but the administrator's."""
        run(self.administrator, f"SET GLOBAL read_only = {int(value)}")


@contextmanager
def private_server() -> Iterator[PrivateServer]:
    """A server with an empty database, inside the block."""
    skip_if_none()
    if not (PROGRAM and INSTALL):
        if os.environ.get("LIVE") == "required":
            pytest.fail("MariaDB is not installed", pytrace=False)
        pytest.skip("MariaDB is not installed")
    folder = Path(tempfile.mkdtemp(prefix="server-"))
    options = [f"--datadir={folder / 'data'}", "--skip-name-resolve", f"--socket={folder / 'socket'}"]
    if os.geteuid() == 0:
        shutil.chown(folder, "mysql")
        options.append("--user=mysql")
    server = PrivateServer(free_port())
    install = [INSTALL, "--no-defaults", *options[:2], *options[3:], "--auth-root-authentication-method=normal"]
    subprocess.run([*install, "--skip-test-db"], check=True, capture_output=True, timeout=START_SECONDS)
    own = [f"--port={server.port}", "--bind-address=127.0.0.1", f"--pid-file={folder / 'pid'}"]
    process = subprocess.Popen([PROGRAM, "--no-defaults", *options, *own], stderr=subprocess.DEVNULL)
    try:
        _wait_until_it_answers(server)
        run(
            server.administrator,
            f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4",
            f"CREATE USER {NAME}@'%%' IDENTIFIED BY 'meadow'",
            f"GRANT ALL ON {NAME}.* TO {NAME}@'%%'",
        )
        yield server
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def _wait_until_it_answers(server: PrivateServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            run(server.administrator, "SELECT 1")
        except DBAPIError:
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)
        else:
            return
