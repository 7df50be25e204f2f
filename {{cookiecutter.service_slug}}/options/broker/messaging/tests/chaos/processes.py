"""Starts, kills and restarts the processes of the service."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

STOP_SECONDS = 90
PORTS = (20_000, 32_000)  # below those that outgoing connections are given
SAMPLE = re.compile(r"^(\w+_total)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def free_port() -> int:
    """A port that nobody listens on now, and that no connection gets by chance while its process is restarted."""
    while True:
        port = random.randrange(*PORTS)  # noqa: S311 - no secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class Process:
    """One process of the service; its figures are added up over all its lives."""

    name: str
    arguments: list[str]
    environment: Mapping[str, str]
    port: int
    folder: Path
    starts: int = 0
    figures: Counter[str] = field(default_factory=Counter)
    _present: Counter[str] = field(default_factory=Counter)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its log goes on in the same file."""
        self.starts += 1
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "{{ cookiecutter.package_name }}", *self.arguments],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it at once, in whatever it does."""
        self.sample()
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it in order; gives its exit code."""
        self.sample()
        return self._end(signal.SIGTERM)

    def sample(self) -> None:
        """Read its counters. What it counts between this and its end by force is not seen."""
        with suppress(httpx2.HTTPError):
            text = httpx2.get(f"http://127.0.0.1:{self.port}/metrics", timeout=2).text
            self._present = Counter()
            for name, labels, value in SAMPLE.findall(text):
                outcome = re.search(r'outcome="(\w+)"', labels)
                self._present[f"{name} {outcome[1]}" if outcome else name] += int(float(value))

    def is_ready(self) -> bool:
        """Whether it would take requests."""
        with suppress(httpx2.HTTPError):
            return httpx2.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=2).status_code == 200
        return False

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(how)
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self.figures += self._present
        self._present = Counter()
        self._process = None
        return code


@contextmanager
def fleet(
    database_url: str,
    broker: Mapping[str, str],
    folder: Path,
    workers: int,
) -> Iterator[tuple[Process, list[Process]]]:
    """An API and some workers, as long as the block lasts."""
    environment = {
        "ENVIRONMENT": "dev",
        "DATABASE_URL": database_url,
        **broker,
        "LOG_FORMAT": "json",
        "SHUTDOWN_DRAIN_SECONDS": "0",
        # Shorter than by default, so that an outage is over sooner than the messages' patience.
        "CONSUMER_BACKOFF_MAX_SECONDS": "5",
    }
    port = free_port()
    api = Process("api", ["serve", "--no-worker"], {**environment, "HTTP_PORT": str(port)}, port, folder)
    working = []
    for number in range(1, workers + 1):
        port = free_port()
        own = {**environment, "WORKER_PORT": str(port)}
        working.append(Process(f"worker-{number}", ["worker"], own, port, folder))
    try:
        for process in (api, *working):
            process.start()
        yield api, working
    finally:
        for process in (api, *working):
            process._end(signal.SIGKILL)
