"""A Prometheus of a test's own, on a free port: it scrapes one service every second, by the rules of that service.

with scraping(project, service) as prometheus:
    prometheus.query("up")
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import yaml

from tests.process import Service, free_port, get

PATIENCE_SECONDS = 60
# It ends by itself even if nobody is left to end it.
LONGEST_SECONDS = 300


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    port: int

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an expression gives now; an expression that it does not understand is an AssertionError."""
        found: list[dict[str, Any]] = self._get(f"query?query={quote(expression)}")["result"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Every rule, and how it fares."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._answer("/-/ready")[0] == 200
        except OSError:
            return False

    def _get(self, path: str) -> dict[str, Any]:
        status, body = self._answer(f"/api/v1/{path}")
        assert status == 200, body.decode()
        data: dict[str, Any] = json.loads(body)["data"]
        return data

    def _answer(self, path: str) -> tuple[int, bytes]:
        return get(self.port, path, seconds=10)


@contextmanager
def scraping(rules: Path, job: str, service: Service) -> Iterator[Prometheus]:
    """Prometheus while it runs; its data is gone afterwards."""
    with TemporaryDirectory(prefix="prometheus-") as name:
        folder, port = Path(name), free_port()
        # As every minute, only faster.
        (folder / "rules.yaml").write_text(rules.read_text().replace("interval: 60s", "interval: 1s"))
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(_configuration(job, service.port)))
        command = [
            *("timeout", str(LONGEST_SECONDS), "prometheus"),
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            prometheus = Prometheus(port)
            eventually(prometheus.is_ready, (folder / "log").read_text)
            yield prometheus
        finally:
            process.terminate()
            process.wait(30)


def eventually(is_so: Callable[[], bool], otherwise: Callable[[], object]) -> None:
    """Wait until it is so; fail with what is known if that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.2)


def _configuration(job: str, port: int) -> dict[str, Any]:
    target = {"targets": [f"127.0.0.1:{port}"], "labels": {"namespace": "test"}}
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": job, "static_configs": [target]}],
    }
