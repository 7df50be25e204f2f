"""A NATS server of a test's own, which can be killed and started again with what it has on the disk."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chassis.testing.messaging.chaos.processes import free_port
from tests.support import servers

START_SECONDS = 30
PROGRAM = shutil.which("nats-server", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


@dataclass
class PrivateServer:
    """A server with JetStream; to chaos runs, its failures are those of the process itself."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, without an account."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings that lead a service to it."""
        return {"BROKER_URL": self.url}

    async def cut(self) -> None:
        """Kill it, and start it again at once."""
        await self.down()
        await self.up()

    async def down(self) -> None:
        """Kill it."""
        await asyncio.to_thread(self.kill)

    async def up(self) -> None:
        """Start it again, on the same port and with the same data."""
        await asyncio.to_thread(self.start)

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        assert PROGRAM is not None
        log, store = self.folder / "log", self.folder / "store"
        options = ["--addr", "127.0.0.1", "--port", str(self.port), "--jetstream", "--store_dir", str(store)]
        self.process = subprocess.Popen([PROGRAM, *options, "--log", str(log)])
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False


@contextmanager
def private_server() -> Iterator[PrivateServer]:
    """A server without streams, inside the block."""
    servers.skip_if_none()
    if PROGRAM is None:
        servers.missing("nats-server is not installed: apt-get install nats-server")
    folder = Path(tempfile.mkdtemp(prefix="server-"))
    server = PrivateServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)
