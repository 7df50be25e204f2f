"""The service as a process: how it starts, refuses to start, and stops."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx2
import pytest
from chassis.testing.processes import TIMEOUT_SECONDS, running

from tests.support.api import DRAFT, URL, client_of

SERVE = [sys.executable, "-m", "{{ cookiecutter.package_name }}", "serve"]


@pytest.fixture
def local(database_url: str) -> dict[str, str]:
    """Settings of a developer's machine with a database."""
    return {"ENVIRONMENT": "local", "DATABASE_URL": database_url}


def test_drains_on_sigterm_and_exits_with_0(local: dict[str, str]) -> None:
    with running(SERVE, **local, SHUTDOWN_DRAIN_SECONDS="1") as service:
        url = service.url()
        assert httpx2.get(f"{url}/health/ready").status_code == 200
        service.process.send_signal(signal.SIGTERM)
        service.wait_for('"draining"')
        assert httpx2.get(f"{url}/health/ready").json()["status"] == "draining"
        assert httpx2.get(f"{url}/health/live").status_code == 200
        assert service.process.wait(TIMEOUT_SECONDS) == 0


def test_answers_requests_in_flight_before_it_stops(local: dict[str, str]) -> None:
    with running(SERVE, **local, SHUTDOWN_DRAIN_SECONDS="0") as service:
        url = service.url()

        def slowly() -> Iterator[bytes]:
            yield b'{"reference": "A-1001",'
            wait_for_requests_in_flight(url, 1)
            service.process.send_signal(signal.SIGTERM)
            service.wait_for('"draining"')
            yield b'"quantity": 3}'

        with client_of(url) as client:
            response = client.post(URL, content=slowly(), headers={"content-type": "application/json"})
        assert response.status_code == 201
        assert service.process.wait(TIMEOUT_SECONDS) == 0


def test_acknowledged_data_survives_a_kill(local: dict[str, str]) -> None:
    with running(SERVE, **local) as service:
        with client_of(service.url()) as client:
            created = client.post(URL, json=DRAFT)
        service.process.kill()
    with running(SERVE, **local) as service, client_of(service.url()) as client:
        assert client.get(created.headers["location"]).json() == created.json()


@pytest.mark.parametrize("variable", ["HTTP_PORT", "DATABASE_URL"])
def test_refuses_invalid_settings_with_one_line_and_exit_code_2(variable: str) -> None:
    environment = {**os.environ, variable: "wrong"}
    result = subprocess.run(SERVE, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith(f"cannot start: {variable}: ")
    assert result.stderr.count("\n") == 1


def wait_for_requests_in_flight(url: str, count: int) -> None:
    """Wait until the service handles so many requests, besides the one that asks."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while f"http_requests_in_flight {count + 1}.0\n" not in httpx2.get(f"{url}/metrics").text:
        assert time.monotonic() < deadline, "the request did not arrive"
