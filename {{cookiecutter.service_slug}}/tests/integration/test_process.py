"""The service as a process: how it starts, refuses to start, and ends."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue

import httpx2
import pytest

COMMAND = [sys.executable, "-m", "{{ cookiecutter.package_name }}"]
URL = "/v1/{{ cookiecutter.__resource }}"
PATIENCE_SECONDS = 20


class Process:
    """A started service and the lines it writes."""

    def __init__(self, **settings: str) -> None:
        environment = {**os.environ, "LOG_FORMAT": "json", "HTTP_PORT": "0", **settings}
        self.process = subprocess.Popen([*COMMAND, "serve"], env=environment, stdout=subprocess.PIPE, text=True)
        self.lines: Queue[str] = Queue()
        self.seen: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.put(line)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line from here on that matches."""
        while True:
            self.seen.append(self.lines.get(timeout=PATIENCE_SECONDS))
            if match := re.search(pattern, self.seen[-1]):
                return match

    def url(self) -> str:
        """Where it answers, once it does."""
        return self.wait_for(r"http://127\.0\.0\.1:\d+").group()


@contextmanager
def serving(**settings: str) -> Iterator[Process]:
    """A service that is gone when the block ends."""
    running = Process(**settings)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        running.reader.join()


@pytest.fixture
def local(database_url: str) -> dict[str, str]:
    """Settings of a developer's machine with a database."""
    return {"ENVIRONMENT": "local", "DATABASE_URL": database_url}


def test_drains_on_sigterm_and_ends_with_0(local: dict[str, str]) -> None:
    with serving(**local, SHUTDOWN_DRAIN_SECONDS="1") as service:
        url = service.url()
        assert httpx2.get(f"{url}/health/ready").status_code == 200
        service.process.send_signal(signal.SIGTERM)
        service.wait_for('"draining"')
        assert httpx2.get(f"{url}/health/ready").json()["status"] == "draining"
        assert httpx2.get(f"{url}/health/live").status_code == 200
        assert service.process.wait(PATIENCE_SECONDS) == 0


def test_answers_requests_in_flight_before_it_ends(local: dict[str, str]) -> None:
    with serving(**local, SHUTDOWN_DRAIN_SECONDS="0") as service:
        client = httpx2.Client(base_url=service.url())
        arrived = threading.Event()

        def slowly() -> Iterator[bytes]:
            yield b'{"reference": "A-1001",'
            service.process.send_signal(signal.SIGTERM)
            service.wait_for('"draining"')
            arrived.set()
            yield b'"quantity": 3}'

        response = client.post(URL, content=slowly(), headers={"content-type": "application/json"})
        assert arrived.is_set()
        assert response.status_code == 201
        assert service.process.wait(PATIENCE_SECONDS) == 0


def test_what_was_acknowledged_survives_a_kill(local: dict[str, str]) -> None:
    with serving(**local) as service:
        created = httpx2.post(service.url() + URL, json={"reference": "A-1001", "quantity": 3})
        service.process.kill()
    with serving(**local) as service:
        assert httpx2.get(service.url() + created.headers["location"]).json() == created.json()


@pytest.mark.parametrize("variable", ["HTTP_PORT", "DATABASE_URL"])
def test_refuses_wrong_settings_with_a_line_and_exit_code_2(variable: str) -> None:
    environment = {**os.environ, variable: "wrong"}
    result = subprocess.run([*COMMAND, "serve"], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith(f"cannot start: {variable}: ")
    assert result.stderr.count("\n") == 1
