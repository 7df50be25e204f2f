"""A generated service, started as the process that operators start, and ended the way they end it."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

START_SECONDS = 60
GRACE_SECONDS = 30
# What a command needs of this machine; nothing else of it may leak in, least of all somebody's DATABASE_URL.
INHERITED = ("HOME", "LANG", "TMPDIR", "TZ")


def clean_environment(commands: Path, **settings: str) -> dict[str, str]:
    """Variables for a command of a project: its own commands first, and the given settings."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | {"PATH": f"{commands}:/usr/local/bin:/usr/bin:/bin"} | settings


@dataclass
class Service:
    """A running service."""

    port: int
    log_file: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def status(self, path: str) -> int | None:
        """What it answers there; None where nobody listens."""
        try:
            return get(self.port, path)[0]
        except OSError:
            return None

    def wait_until(self, path: str, status: int, seconds: float = START_SECONDS) -> None:
        """Wait for this answer; the process must not end meanwhile."""
        deadline = time.monotonic() + seconds
        while (seen := self.status(path)) != status:
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.log()}"
            assert time.monotonic() < deadline, f"{path}: {seen}, not {status}, after {seconds} s:\n{self.log()}"
            time.sleep(0.05)

    def terminate(self, seconds: float = GRACE_SECONDS) -> int:
        """End it as Kubernetes does, and answer its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        """Everything it wrote."""
        return self.log_file.read_text(encoding="utf-8")

    def complaints(self) -> list[str]:
        """Lines that no healthy run writes: errors, and what is not an entry of the log at all."""
        return [line for line in self.log().splitlines() if _entry(line).get("level") in (None, "error", "critical")]


@contextmanager
def serving(
    command: list[str], cwd: Path, environment: Mapping[str, str], log_file: Path, port_variable: str = "HTTP_PORT"
) -> Iterator[Service]:
    """The service while it runs; it is gone afterwards, whatever happened.

    `port_variable`: the setting that says where this command listens.
    """
    port = free_port()
    settings = {"HTTP_HOST": "127.0.0.1", port_variable: str(port), "LOG_FORMAT": "json"}
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=cwd, env={**environment, **settings}, stdout=log, stderr=subprocess.STDOUT
        )
    service = Service(port, log_file, process)
    try:
        service.wait_until("/health/live", 200)
        yield service
    finally:
        service.kill()


def get(port: int, path: str, seconds: float = 5) -> tuple[int, bytes]:
    """Status and body of what a process on this machine answers. Raises OSError where nobody listens."""
    connection = HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _entry(line: str) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return entry
