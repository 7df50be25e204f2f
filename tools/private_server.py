"""Server processes on loopback that a tool starts for tests: on free ports, stopped at the end of the block."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 30
POLL_SECONDS = 0.05
LOG_CHARACTERS = 2_000


class ServerError(Exception):
    """A server cannot be fetched or started; the message says why, for the person who asked for it."""


@dataclass
class PrivateServer:
    """A process that listens on a port; it can be killed and started again on the same data.

    Attributes:
        command: starts it in the foreground.
        port: answers once it is ready.
        log: receives everything it writes.
        environment: its environment variables; None for those of this process.
    """

    command: Sequence[str]
    port: int
    log: Path
    environment: Mapping[str, str] | None = None
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        """Start it, and wait until its port accepts connections. Raises ServerError."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            wait_until(self._answers, lambda: f"{self.command[0]} does not start:\n{end_of(self.log)}")
        except ServerError:
            self.kill()
            raise

    def stop(self) -> None:
        """End it in order; kill it if that takes too long."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise ServerError(f"{self.command[0]} has ended:\n{end_of(self.log)}")
        return answers(self.port)


def wait_until(condition: Callable[[], bool], problem: Callable[[], str]) -> None:
    """Wait for a condition of a server that starts. Raises ServerError with the problem if it takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise ServerError(problem())
        time.sleep(POLL_SECONDS)


def end_of(log: Path) -> str:
    """The last lines of a log."""
    return log.read_text(encoding="utf-8", errors="replace")[-LOG_CHARACTERS:] if log.exists() else "no log"


def answers(port: int) -> bool:
    """Whether a port on loopback accepts connections."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def free_ports(count: int) -> list[int]:
    """Different ports on loopback on which nothing listens now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
