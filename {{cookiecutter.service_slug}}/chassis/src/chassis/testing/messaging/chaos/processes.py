"""Starts, kills and restarts one process of a service."""

import os
import random
import re
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

STOP_SECONDS = 90
REQUEST_SECONDS = 2
PORTS = (20_000, 32_000)  # below those that outgoing connections get
COUNTER = re.compile(r"^(\w+_total)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def free_port() -> int:
    """A port that nothing listens on, and that no connection gets by chance while its process restarts."""
    while True:
        port = random.randrange(*PORTS)  # noqa: S311 - no secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class ChaosProcess:
    """One process of a service.

    Args:
        name: of its log file.
        command: that starts it.
        settings: environment variables in addition to the present ones.
        port: that it listens on.
        folder: of its log file.

    Attributes:
        counters: its metrics, added up over all its starts.
    """

    name: str
    command: Sequence[str]
    settings: Mapping[str, str]
    port: int
    folder: Path
    counters: Counter[str] = field(default_factory=Counter)
    _present: Counter[str] = field(default_factory=Counter)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; its log continues in the same file."""
        with (self.folder / f"{self.name}.log").open("ab") as log:
            environment = {**os.environ, **self.settings}
            self._process = subprocess.Popen(self.command, env=environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it at once, in the middle of its work."""
        self.sample()
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Stop it as Kubernetes would; returns its exit code."""
        self.sample()
        return self._end(signal.SIGTERM)

    def abandon(self) -> None:
        """End it at once, without a look at its metrics."""
        self._end(signal.SIGKILL)

    def sample(self) -> None:
        """Read its counters. What it counts between this and a kill is not seen."""
        with suppress(httpx2.HTTPError):
            text = httpx2.get(f"{self.url}/metrics", timeout=REQUEST_SECONDS).text
            self._present = Counter()
            for name, labels, value in COUNTER.findall(text):
                outcome = re.search(r'outcome="(\w+)"', labels)
                self._present[f"{name} {outcome[1]}" if outcome else name] += int(float(value))

    def is_ready(self) -> bool:
        """Whether it accepts requests."""
        with suppress(httpx2.HTTPError):
            return httpx2.get(f"{self.url}/health/ready", timeout=REQUEST_SECONDS).status_code == 200
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
        self.counters += self._present
        self._present = Counter()
        self._process = None
        return code
