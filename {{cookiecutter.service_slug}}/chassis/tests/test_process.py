"""A service as a process: how it starts, refuses to start, and stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from chassis.testing.processes import TIMEOUT_SECONDS, ServiceProcess, running
from tests.sample.api import URL

COMMAND = [sys.executable, "-m", "tests.served"]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process finds this package."""
    monkeypatch.chdir(Path(__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))


def await_requests_in_flight(url: str, count: int) -> None:
    """Wait until the service handles so many, besides the one that asks."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while f"http_requests_in_flight {count + 1}.0\n" not in httpx2.get(f"{url}/metrics").text:
        assert time.monotonic() < deadline, "the request did not arrive"


def test_drains_on_sigterm_and_exits_with_0() -> None:
    with running([*COMMAND, "serve"], SHUTDOWN_DRAIN_SECONDS="1") as service:
        url = service.url()
        assert httpx2.get(f"{url}/health/ready").status_code == 200
        service.process.send_signal(signal.SIGTERM)
        service.wait_for('"draining"')
        assert httpx2.get(f"{url}/health/ready").json()["status"] == "draining"
        assert service.process.wait(TIMEOUT_SECONDS) == 0


def test_answers_requests_in_flight_before_it_stops() -> None:
    with running([*COMMAND, "serve"], SHUTDOWN_DRAIN_SECONDS="0") as service:
        url = service.url()
        draining = threading.Event()

        def slowly() -> Iterator[bytes]:
            yield b'{"reference": "A-1001",'
            await_requests_in_flight(url, 1)
            service.process.send_signal(signal.SIGTERM)
            service.wait_for('"draining"')
            draining.set()
            yield b'"quantity": 3}'

        response = httpx2.post(url + URL, content=slowly(), headers={"content-type": "application/json"})
        assert draining.is_set()
        assert response.status_code == 201
        assert service.process.wait(TIMEOUT_SECONDS) == 0


def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command until it ends."""
    environment = {**os.environ, **settings}
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
    )


def test_changes_the_log_level_of_a_running_process() -> None:
    with running([*COMMAND, "serve"]) as service:
        service.url()
        asked = switched(service, "debug")
        assert asked.stdout == f"signaled process {service.process.pid}; its log reports the change\n"
        service.wait_for('"log level changed"')
        assert switched(service, "reset").returncode == 0
        assert json.loads(service.wait_for('.*"log level changed".*').group())["by"] == "signal"
        assert service.stop() == 0


def switched(service: ServiceProcess, level: str) -> subprocess.CompletedProcess[str]:
    """Run the command log-level."""
    return command("log-level", level, "--pid", str(service.process.pid))


def test_refuses_wrong_settings_with_a_line_and_exit_code_2() -> None:
    result = command("serve", HTTP_PORT="wrong")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("cannot start: HTTP_PORT: ")
    assert result.stderr.count("\n") == 1


def test_a_port_in_use_is_no_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = command("serve", HTTP_PORT=str(port), LOG_FORMAT="json")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"cannot start: HTTP_PORT: {port} is in use on 127.0.0.1\n"
