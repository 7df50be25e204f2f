"""Which process publishes and takes in: with `serve` the one that serves, or none."""

import time
from typing import Any

import httpx2
import pytest

from ..elsewhere import ELSEWHERE
from ..processes import PATIENCE_SECONDS, serving
from ..unit.test_api import DRAFT, URL

LOCAL = {"ENVIRONMENT": "local"}


@pytest.mark.parametrize(
    ("where", "arguments", "works"),
    [
        (LOCAL, (), True),
        (LOCAL, ("--no-worker",), False),
        (ELSEWHERE, (), False),
        (ELSEWHERE, ("--worker",), True),
    ],
)
def test_by_default_it_is_the_one_that_serves_in_local_only(
    database_url: str, where: dict[str, str], arguments: tuple[str, ...], works: bool
) -> None:
    with serving(*arguments, **where, DATABASE_URL=database_url, SHUTDOWN_DRAIN_SECONDS="0") as service:
        metrics = httpx2.get(f"{service.url()}/metrics").text
        assert ("consumer_waiting" in metrics) == works


def test_what_one_process_leaves_the_next_one_publishes(database_url: str) -> None:
    settings = LOCAL | {"DATABASE_URL": database_url, "OUTBOX_LATE_SECONDS": "0.2"}
    with serving("--no-worker", **settings) as service:
        url = service.url()
        place = httpx2.post(url + URL, json=DRAFT).headers["location"]
        wait_for(f"{url}/health/ready", lambda ready: ready["status"] == "degraded")
        assert httpx2.get(f"{url}{place}/history").json() == {"items": []}
    with serving(**settings) as service:
        url = service.url()
        wait_for(f"{url}{place}/history", lambda history: [item["version"] for item in history["items"]] == [1])
        wait_for(f"{url}/health/ready", lambda ready: ready["status"] == "ready")


def wait_for(url: str, condition: Any) -> None:
    """Ask until the answer is as it should be."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition(answer := httpx2.get(url).json()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
