"""A whole service behind PgBouncer in transaction mode: concurrent requests and a worker meet no error."""

import json
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests import needs
from tests.baked import Bake
from tests.live import brokers, databases
from tests.live.conftest import SLUG
from tests.process import Service
from tests.project import Project
from tests.report import MEASURED
from tools import options

CLIENTS = 24
SECONDS = 20
# Ends with its standard input.
POOLER = """
import sys
from chassis.testing.postgresql.pgbouncer import pgbouncer
with pgbouncer(sys.argv[1], pool_size=8) as started:
    print(started.url_of(sys.argv[2]), flush=True)
    sys.stdin.read()
"""


@dataclass
class Load:
    """Clients that create an aggregate, read it, and begin again."""

    service: Service
    resource: str
    answers: Counter[str] = field(default_factory=Counter)
    created: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """All clients, for some seconds."""
        clients = [threading.Thread(target=self._client, args=(number,)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        self.ended.wait(SECONDS)
        self.ended.set()
        for client in clients:
            client.join()

    def _client(self, name: int) -> None:
        connection = HTTPConnection("127.0.0.1", self.service.port, timeout=30)
        number = 0
        while not self.ended.is_set():
            try:
                number += 1
                draft = json.dumps({"reference": f"{name}-{number}", "quantity": 1})
                headers = {"content-type": "application/json", "idempotency-key": f"pooler-{name}-{number}"}
                connection.request("POST", self.resource, draft, headers)
                if place := self._answer(connection, "POST"):
                    self.created.append(place)
                    connection.request("GET", place)
                    self._answer(connection, "GET")
            except (OSError, HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
        connection.close()

    def _answer(self, connection: HTTPConnection, method: str) -> str | None:
        with connection.getresponse() as response:
            response.read()
            self.answers[f"{method} {response.status}"] += 1
            return response.getheader("location")


@contextmanager
def pooler(project: Project, database: str) -> Iterator[str]:
    """The address of a database through a pooler of the test's own."""
    command = [str(project.environment.bin / "python"), "-c", POOLER, needs.postgresql_url(), database]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, "PgBouncer did not start"
        yield address


@pytest.fixture
def project(bake: Bake, tmp_path: Path) -> Project:
    """The default service."""
    return Project(bake(service_slug=SLUG), tmp_path)


@pytest.mark.long
@pytest.mark.needs(f"Python {options.choices()['python_version'][0]}", "PostgreSQL", "RabbitMQ", "PgBouncer")
@pytest.mark.parametrize("listens", [True, False], ids=["listening", "polling"])
def test_concurrent_requests_and_a_worker_meet_no_error(
    project: Project, tmp_path: Path, record_property: Callable[[str, object], None], *, listens: bool
) -> None:
    with (
        databases.EVERY["postgresql"].fresh(tmp_path) as database,
        pooler(project, database) as address,
        brokers.EVERY["rabbitmq"].reached(project) as broker,
    ):
        direct = {"DATABASE_DIRECT_URL": database}
        settings = {"DATABASE_URL": address, "DATABASE_POOLER": "transaction", "DATABASE_POOL_SIZE": "20", **broker}
        assert "DATABASE_DIRECT_URL must be set" in project.fail(project.slug, "migrate", **settings)
        project.run(project.slug, "migrate", **settings, **direct)
        settings |= {"ENVIRONMENT": "staging", **(direct if listens else {})}
        with project.working(**settings) as worker, project.serving(**settings) as api:
            api.wait_until("/health/ready", 200)
            load = Load(api, f"/v1/{project.baked.answers['__resource']}")
            load.run()
            recorded = f"{load.created[-1]}/history"
            api.wait_until(recorded, 200)
            api.wait_until("/health/ready", 200)
            worker.wait_until("/health/ready", 200)
    assert (set(load.answers), load.failures) == ({"POST 201", "GET 200"}, [])
    assert (api.complaints(), worker.complaints()) == ([], [])
    assert ("outbox listener off; polling" in worker.log()) is not listens
    record_property(MEASURED, f"behind PgBouncer, {CLIENTS} clients, {SECONDS} s: {dict(load.answers)}")
