"""The service as a process: how it starts, refuses to start, and ends."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import httpx2
import pytest

from ..processes import COMMAND, PATIENCE_SECONDS, serving

URL = "/v1/{{ cookiecutter.__resource }}"


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
        url = service.url()
        arrived = threading.Event()

        def slowly() -> Iterator[bytes]:
            yield b'{"reference": "A-1001",'
            await_requests_in_flight(url, 1)
            service.process.send_signal(signal.SIGTERM)
            service.wait_for('"draining"')
            arrived.set()
            yield b'"quantity": 3}'

        response = httpx2.post(url + URL, content=slowly(), headers={"content-type": "application/json"})
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


def await_requests_in_flight(url: str, count: int) -> None:
    """Until the service is at work on so many, besides the one that asks."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while f"http_requests_in_flight {count + 1}.0\n" not in httpx2.get(f"{url}/metrics").text:
        assert time.monotonic() < deadline, "the request did not arrive"
