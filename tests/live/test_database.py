"""The generated service on the database it was made for: nothing in memory, nothing mocked."""

import re

from tests.live import databases
from tests.project import Project
from tests.walk import Walk
from tools import options


def test_every_choice_is_tested_here() -> None:
    assert sorted(databases.EVERY) == sorted(options.choices()["database"])


def test_migrations_can_run_twice(service: Project, database: str) -> None:
    service.run(service.slug, "migrate", DATABASE_URL=database)


def test_its_integration_tests(service: Project, empty_database: str) -> None:
    output = service.run("pytest", "-q", "tests/integration", DATABASE_URL=empty_database)
    assert re.search(r"\d+ passed", output)
    assert "skipped" not in output


def test_serves_every_operation_in_production(service: Project, database: str) -> None:
    with service.serving(ENVIRONMENT="production", DATABASE_URL=database) as running:
        Walk(running.url).everything()
        assert running.terminate() == 0
    assert not running.complaints()


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


def test_is_alive_but_not_ready_while_its_database_is_away(service: Project) -> None:
    away = databases.EVERY[service.baked.answers["database"]].away
    with service.serving(ENVIRONMENT="production", DATABASE_URL=away) as running:
        assert running.status("/health/ready") == 503
        assert running.status("/health/live") == 200
        assert running.terminate() == 0
