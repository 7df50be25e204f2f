"""The database server goes away under load, in order and by a crash, and comes back: nobody restarts the service."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

import pytest

from tests.live.secured import Secured
from tests.process import Service

CLIENTS = 4
AWAY_SECONDS = 4
# Time limits of the service in this test are 1 s; what depends on them may take that long, and some more here.
SOON_SECONDS = 6


@dataclass
class Load:
    """Clients that create without pause, and repeat with the same key until they are answered 201."""

    service: Service
    resource: str
    # Of every reference: the server keeps what an earlier test stored.
    prefix: str
    acknowledged: dict[str, str] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    slowest_refusal: float = 0.0
    unfit: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def client(self, name: str) -> None:
        """Create one after the other until the load ends; what was begun is brought to its end."""
        number = 0
        while not self.ended.is_set():
            give_up = time.monotonic() + 60
            while not self._create(f"{name}-{number}"):
                assert time.monotonic() < give_up, f"{name}-{number} is never acknowledged"
            number += 1

    def _create(self, reference: str) -> bool:
        begun = time.monotonic()
        connection = HTTPConnection("127.0.0.1", self.service.port, timeout=30)
        try:
            body = json.dumps({"reference": reference, "quantity": 1})
            headers = {"content-type": "application/json", "idempotency-key": reference}
            connection.request("POST", self.resource, body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, HTTPException) as error:
            self.unfit.append(f"no answer: {error!r}")
            return False
        finally:
            connection.close()
        self.answers[str(response.status)] += 1
        if response.status == 201:
            self.acknowledged[reference] = answer["id"]
            return True
        self.slowest_refusal = max(self.slowest_refusal, time.monotonic() - begun)
        # 409: the first try is still in its transaction.
        fit = response.status == 409 or (response.status == 503 and response.getheader("retry-after"))
        if not fit:
            self.unfit.append(f"{response.status}: {answer}")
        time.sleep(0.02)
        return False


@contextmanager
def load_on(service: Service, resource: str, prefix: str) -> Iterator[Load]:
    """Load as long as the block lasts."""
    load = Load(service, resource, prefix)
    clients = [threading.Thread(target=load.client, args=(f"{prefix}-{number}",)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield load
    finally:
        load.ended.set()
        for client in clients:
            client.join()


def stored(service: Service, resource: str, prefix: str) -> dict[str, str]:
    """Everything there is, by reference; the same reference twice would be an effect that happened twice."""
    found: list[tuple[str, str]] = []
    cursor: str | None = ""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=30)
    while cursor is not None:
        connection.request("GET", f"{resource}?limit=100" + (f"&cursor={cursor}" if cursor else ""))
        page = json.loads(connection.getresponse().read())
        found += [(each["reference"], each["id"]) for each in page["items"] if each["reference"].startswith(prefix)]
        cursor = page["next_cursor"]
    connection.close()
    assert len(dict(found)) == len(found), "something was created twice"
    return dict(found)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_an_outage_ends_by_itself_and_nothing_acknowledged_is_lost(secured: Secured, how: str) -> None:
    begun = time.monotonic()

    def told(what: str) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {what}: {dict(load.answers)}, live {service.status('/health/live')}")

    limits = {
        "DATABASE_CONNECT_TIMEOUT_SECONDS": "1",
        "DATABASE_STATEMENT_TIMEOUT_SECONDS": "1",
        "DATABASE_LOCK_TIMEOUT_SECONDS": "1",
        "READINESS_TIMEOUT_SECONDS": "1",
    }
    secured.project.run(secured.project.slug, "migrate", **secured.settings())
    resource = f"/v1/{secured.project.baked.answers['__resource']}"
    with secured.project.serving(**secured.settings(**limits)) as service:
        service.wait_until("/health/ready", 200)
        with load_on(service, resource, how) as load:
            wait_for_more(load, "201", 100)
            told("under load")
            getattr(secured.server, how)()
            told(f"server {'stopped' if how == 'stop' else 'killed'}")
            service.wait_until("/health/ready", 503, SOON_SECONDS)
            told("not ready")
            away_until = time.monotonic() + AWAY_SECONDS
            while time.monotonic() < away_until:
                assert service.status("/health/live") == 200
                assert service.status("/health/ready") == 503
            wait_for_more(load, "503", 20)
            told("still away")
            secured.server.start()
            service.wait_until("/health/ready", 200, SOON_SECONDS)
            told("ready again")
            wait_for_more(load, "201", 100)
            told("works on")
        assert not load.unfit
        assert load.slowest_refusal < SOON_SECONDS
        assert stored(service, resource, how) == load.acknowledged
        print(f"acknowledged {len(load.acknowledged)}, lost 0, twice 0; slowest refusal {load.slowest_refusal:.2f} s")
        assert service.terminate() == 0


def wait_for_more(load: Load, status: str, count: int) -> None:
    """Until so many more requests were answered like that."""
    goal = load.answers[status] + count
    deadline = time.monotonic() + 30
    while load.answers[status] < goal:
        assert time.monotonic() < deadline, f"{dict(load.answers)}; {load.unfit[:3]}"
        time.sleep(0.02)
