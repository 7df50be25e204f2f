"""The life of an event, from a request to the history, with the real database and the real broker."""

import os
import sys
import time
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from chassis.testing.processes import TIMEOUT_SECONDS, running

from tests.support.api import DRAFT, URL, client_of

# Read before tests change the environment.
BROKER_URL = os.environ.get("BROKER_URL")
PROGRAM = [sys.executable, "-m", "{{ cookiecutter.package_name }}"]
# What publishes and consumes: `worker`, or the only process.
COMMANDS = "{{ 'serve --no-worker, worker' if cookiecutter.database in cookiecutter._layers['broker/on-server']['database'] else 'serve --worker' }}"


@pytest.fixture
def settings_of_a_process(database_url: str) -> dict[str, str]:
    """Real servers; skips the test where there is no broker."""
    if BROKER_URL is None:
        pytest.skip("BROKER_URL is not set: `make up` starts a broker, `make test-integration` uses it")
    return {"DATABASE_URL": database_url, "BROKER_URL": BROKER_URL, "WORKER_PORT": "0"}


def test_every_event_reaches_the_history_in_order(settings_of_a_process: dict[str, str]) -> None:
    with ExitStack() as processes:
        started = [
            processes.enter_context(running([*PROGRAM, *command.split()], **settings_of_a_process))
            for command in COMMANDS.split(", ")
        ]
        with client_of(started[0].url()) as client:
            url = client.post(URL, json=DRAFT).headers["location"]
            for quantity in (4, 5):
                client.patch(url, json={"quantity": quantity}, headers={"if-match": "*"})
            client.post(f"{url}/confirm", headers={"if-match": "*"})
            items = history(client, url, 4)
            assert [item["version"] for item in items] == [1, 2, 3, 4]
            assert [item["data"].get("quantity") for item in items] == [3, 4, 5, None]
        assert [process.stop() for process in started] == [0] * len(started)


def history(client: httpx2.Client, url: str, count: int) -> list[dict[str, Any]]:
    """The history, once it has so many events."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while len(items := client.get(f"{url}/history").json()["items"]) < count:
        assert time.monotonic() < deadline, items
        time.sleep(0.05)
    return list(items)
