"""The generated service on the database it was made for: nothing in memory, nothing mocked."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.brokers import SERVERS
from tests.live import brokers, databases
from tests.live.balancer import balancing
from tests.live.brokers import Settings
from tests.process import Service
from tests.project import Project
from tests.report import MEASURED
from tests.walk import Walk
from tools import options


def test_every_choice_is_tested_here() -> None:
    assert sorted(databases.EVERY) == sorted(options.choices()["database"])
    assert sorted(brokers.EVERY) == sorted(options.choices()["broker"])


def test_migrations_can_run_twice(service: Project, database: str) -> None:
    service.run(service.slug, "migrate", DATABASE_URL=database)


def test_its_integration_tests(service: Project, empty_database: str, broker: Settings) -> None:
    output = service.run("pytest", "-q", "tests/integration", DATABASE_URL=empty_database, **broker)
    assert re.search(r"\d+ passed", output)
    assert "skipped" not in output


def test_serves_every_operation_in_production(service: Project, database: str, broker: Settings) -> None:
    with in_production(service, DATABASE_URL=database, **broker) as processes:
        Walk(processes[0].url).everything()
        for process in processes:
            process.wait_until("/health/ready", 200)
            assert process.terminate() == 0
    for process in processes:
        assert not process.complaints()


@contextmanager
def in_production(service: Project, **settings: str) -> Iterator[list[Service]]:
    """The processes that a cluster would run: the API, and a worker where there is work and it may run apart."""
    settings["ENVIRONMENT"] = "production"
    if service.baked.answers["broker"] == "none":
        with service.serving(**settings) as api:
            yield [api]
    elif service.baked.answers["database"] == "sqlite":
        with service.serving("--worker", **settings) as api:
            yield [api]
    else:
        with service.working(**settings) as worker, service.serving(**settings) as api:
            yield [api, worker]


def test_data_survives_a_crash(service: Project, database: str) -> None:
    with service.serving(DATABASE_URL=database) as running:
        walk = Walk(running.url)
        where = walk.lifecycle()
        before = walk.call("GET", where)
        running.kill()
    with service.serving(DATABASE_URL=database) as restarted:
        restarted.wait_until("/health/ready", 200)
        after = Walk(restarted.url).call("GET", where)
    assert (after.json, after.etag) == (before.json, before.etag)


def test_drains_before_it_ends(service: Project, database: str) -> None:
    with service.serving(DATABASE_URL=database, SHUTDOWN_DRAIN_SECONDS="2") as running:
        running.wait_until("/health/ready", 200)
        running.process.terminate()
        running.wait_until("/health/ready", 503, seconds=1.5)
        Walk(running.url).create("A-1001")
        assert running.process.wait(10) == 0
    assert not running.complaints()


def test_a_rollout_under_load_fails_no_request(
    service: Project, database: str, record_property: Callable[[str, object], None]
) -> None:
    """As a Deployment with maxUnavailable 0 does it: the new pod is ready before the old one is told to end."""
    settings = {"DATABASE_URL": database, "SHUTDOWN_DRAIN_SECONDS": "2"}
    with service.serving(**settings) as old, service.serving(**settings) as new, balancing(old) as balancer:
        balancer.wait_for(old)
        new.wait_until("/health/ready", 200)
        balancer.pods.append(new)
        balancer.wait_for(new)
        assert old.terminate() == 0
        balancer.pods.remove(old)
        balancer.wait_for(new)
    record_property(MEASURED, f"a rollout: {balancer.answers.total()} requests, {len(balancer.failures)} failed")
    assert not balancer.failures
    assert {status for _, status in balancer.answers} == {201}


def test_the_migration_asks_for_no_broker(service: Project, empty_database: str) -> None:
    service.run(service.slug, "migrate", ENVIRONMENT="production", DATABASE_URL=empty_database)


def test_no_event_is_lost_when_everything_goes_wrong(service: Project, empty_database: str) -> None:
    choice = service.baked.answers["broker"]
    if choice == "none":
        assert not (service.path / "tests" / "chaos").exists()
        return
    # The chassis' own runs are longer; this is about how the service is wired.
    settings = {"DATABASE_URL": empty_database, "CHAOS_SECONDS": "5", "CHAOS_OUTAGE_SECONDS": "2"}
    if server := SERVERS.get(choice):
        settings["BROKER_URL"] = server.url
    print(service.run("pytest", "-q", "-s", "tests/chaos", **settings))


def test_is_alive_but_not_ready_while_its_database_is_away(service: Project) -> None:
    away = databases.EVERY[service.baked.answers["database"]].away
    broker = brokers.EVERY[service.baked.answers["broker"]].away
    with service.serving(ENVIRONMENT="production", DATABASE_URL=away, **broker) as running:
        assert running.status("/health/ready") == 503
        assert running.status("/health/live") == 200
        assert running.terminate() == 0
