"""The command line of a service, with a recorder instead of a composition root."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import click
import pytest
import structlog
from click.testing import CliRunner, Result
from fastapi import FastAPI

from chassis.cli import Bootstrap, Context, create_cli
from chassis.database.memory import MemoryDatabase
from chassis.database.retries import Retries
from chassis.errors import Unavailable
from chassis.http import server
from chassis.http.application import Service
from chassis.http.lifecycle import Lifecycle
from chassis.http.server import serve
from chassis.http.settings import HttpSettings, ShutdownSettings
from chassis.service import ServiceIdentity
from chassis.testing.audit import new_entry
from tests.served import NAME, Settings
from tests.support.logs import log_output


class Calls:
    """The service's composition root and migrations; records how they were used."""

    SERVICE = ServiceIdentity(NAME, "Sample", "1.0.0", "A sample.")

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.available = True
        self.started = True
        self.database = MemoryDatabase()

    def create_storage(self, settings: Settings, retries: Retries) -> "Calls":
        """Record which database it is on."""
        del retries
        self.seen.append(f"database {settings.database.url}")
        return self

    def create_service(self, settings: Settings, *, run_worker: bool = False) -> Service:
        """Record whether the worker runs."""
        self.seen.append(f"create worker={run_worker} environment={settings.service.environment}")
        return Service(FastAPI(), Lifecycle())

    def create_service_in_memory(self, _: Settings) -> Service:
        """An application to document."""
        from .http.parcels import create_service

        return create_service()

    def upgrade(self) -> None:
        """Fails if the database is away."""
        self.seen.append("upgrade")
        if not self.available:
            raise Unavailable("database", "connection refused")

    @contextmanager
    def around(self, _: Settings) -> Iterator[None]:
        """Record when the server runs."""
        self.seen.append("begin")
        yield
        self.seen.append("end")

    def serve(self, _app: FastAPI, _lifecycle: Lifecycle, http: HttpSettings, _shutdown: ShutdownSettings) -> bool:
        """Instead of a real server."""
        self.seen.append(f"serve {http.port}")
        return self.started


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """How the commands use the service."""
    calls = Calls()
    monkeypatch.setattr(server, "serve", calls.serve)
    for name in ("ENVIRONMENT", "DATABASE_URL", "HTTP_PORT", "LOG_LEVEL", "LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    with log_output():  # the commands set up their own; this restores what was there before
        yield calls


def cli(calls: Calls, *, has_worker: bool = True) -> click.Group:
    """The command line of the service."""
    bootstrap: Bootstrap = calls
    return create_cli(
        NAME,
        settings=lambda: Settings,
        bootstrap=lambda: bootstrap,
        migrations=lambda _: calls,
        has_worker=has_worker,
        around=calls.around,
    )


def run(group: click.Group, *arguments: str, **environment: str) -> Result:
    """Run a command as from a shell."""
    return CliRunner().invoke(group, arguments, env={"LOG_FORMAT": "json", **environment})


URL = {"DATABASE_URL": "postgresql://localhost/parcels"}


def test_serve_migrates_and_runs_the_worker_in_local_only(calls: Calls) -> None:
    assert run(cli(calls), "serve", **URL).exit_code == 0
    assert calls.seen == ["upgrade", "create worker=True environment=local", "begin", "serve 8000", "end"]
    calls.seen.clear()
    assert run(cli(calls), "serve", ENVIRONMENT="dev", **URL).exit_code == 0
    assert calls.seen[0] == "create worker=False environment=dev"


@pytest.mark.parametrize(("option", "worker"), [("--worker", "True"), ("--no-worker", "False")])
def test_an_option_says_whether_the_worker_runs(calls: Calls, option: str, worker: str) -> None:
    for environment in ("local", "production"):
        calls.seen.clear()
        assert run(cli(calls), "serve", option, ENVIRONMENT=environment, **URL).exit_code == 0
        assert f"create worker={worker} environment={environment}" in calls.seen


def test_a_service_without_a_worker_has_no_option_for_it(calls: Calls) -> None:
    assert run(cli(calls, has_worker=False), "serve", "--worker").exit_code == 2
    assert run(cli(calls, has_worker=False), "serve").exit_code == 0
    assert calls.seen[0] == "create worker=False environment=local"


def test_serve_goes_on_without_the_local_database(calls: Calls) -> None:
    calls.available = False
    result = run(cli(calls), "serve", **URL)
    assert (result.exit_code, calls.seen[-1]) == (0, "end")
    line = json.loads(result.stdout)
    assert (line["level"], line["event"]) == ("warning", "database not migrated; run migrate when it is available")
    assert (line["reason"], line["service"]) == ("connection refused", NAME)


def test_a_server_that_cannot_start_is_exit_code_2(calls: Calls) -> None:
    calls.started = False
    assert run(cli(calls), "serve").exit_code == 2


def test_a_port_in_use_is_one_line_and_exit_code_2(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "serve", serve)
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = str(used.getsockname()[1])
        result = run(cli(calls), "serve", HTTP_PORT=port)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"cannot start: HTTP_PORT: {port} is in use on 127.0.0.1\n"


def test_wrong_settings_are_a_line_each_and_exit_code_2(calls: Calls) -> None:
    result = run(cli(calls), "serve", HTTP_PORT="wrong", LOG_LEVEL="wrong")
    assert (result.exit_code, result.stdout, calls.seen) == (2, "", [])
    lines = result.stderr.splitlines()
    assert [line.split(":")[:2] for line in lines] == [["cannot start", " LOG_LEVEL"], ["cannot start", " HTTP_PORT"]]


def test_a_misspelled_setting_is_a_warning_that_names_the_nearest(calls: Calls) -> None:
    result = run(cli(calls), "serve", HTTP_PROT="secret", HTTP_PROXY="secret", LOG_FORMAT="json")
    [line] = [json.loads(line) for line in result.stdout.splitlines() if "unknown setting" in line]
    assert (line["level"], line["variable"], line["nearest"]) == ("warning", "HTTP_PROT", "HTTP_PORT")
    assert (result.exit_code, "secret" in result.output) == (0, False)


def test_migrate_needs_a_database_and_nothing_else(calls: Calls) -> None:
    assert run(cli(calls), "migrate", ENVIRONMENT="production", **URL).exit_code == 0
    assert calls.seen == ["upgrade"]
    unset = run(cli(calls), "migrate")
    assert (unset.exit_code, "DATABASE_URL is not set: name the database to migrate" in unset.stderr) == (2, True)
    required = run(cli(calls), "migrate", ENVIRONMENT="production")
    assert (required.exit_code, required.stderr[:28]) == (2, "cannot start: DATABASE_URL: ")


def test_migrate_reports_a_database_that_does_not_answer(calls: Calls) -> None:
    calls.available = False
    result = run(cli(calls), "migrate", **URL)
    assert (result.exit_code, result.stderr) == (1, "Error: cannot migrate: database: connection refused\n")


def test_openapi_prints_the_document_and_nothing_else(calls: Calls) -> None:
    result = run(cli(calls), "openapi", ENVIRONMENT="production")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["info"]["title"] == "Warehouse Service"


def test_audit_reads_the_database_of_the_settings(calls: Calls) -> None:
    calls.database.audit_entries.append(new_entry(actor="zoe"))
    result = run(cli(calls, has_worker=False), "audit", "list", ENVIRONMENT="dev", **URL)
    assert (result.exit_code, "  zoe  " in result.stdout, len(result.stdout.splitlines())) == (0, True, 1)
    assert calls.seen == ["database postgresql://localhost/parcels"]


def test_log_level_signals_a_serving_process_only(calls: Calls) -> None:
    result = run(cli(calls), "log-level", "debug", "--pid", str(os.getpid()))
    assert result.exit_code == 1
    assert "not the service" in result.stderr or "does not show" in result.stderr


def test_a_service_adds_commands_of_its_own(calls: Calls) -> None:
    group = cli(calls)

    @group.command()
    @click.pass_obj
    def reprice(context: Context) -> None:
        """Uses the database only."""
        settings: Any = context.settings("database", prints=True)
        click.echo(settings.database.url)
        elsewhere = replace(settings, http=settings.http.model_copy(update={"port": 8001}))
        context.serve(context.bootstrap().create_service(settings), elsewhere)

    result = run(group, "reprice", **URL)
    assert (result.exit_code, result.stdout) == (0, URL["DATABASE_URL"] + "\n")
    assert calls.seen[-3:] == ["begin", "serve 8001", "end"]


@pytest.mark.parametrize(
    ("level", "logged"),
    [("debug", ["connected", "late"]), ("info", ["late"]), ("warning", ["late"]), ("error", [])],
)
def test_a_command_that_prints_logs_warnings_and_above(calls: Calls, level: str, logged: list[str]) -> None:
    group = cli(calls)

    @group.command()
    @click.pass_obj
    def show(context: Context) -> None:
        """Has an output of its own."""
        context.settings("database", prints=True)
        log = structlog.stdlib.get_logger("broker")
        log.info("connected")
        log.warning("late")

    result = run(group, "show", LOG_LEVEL=level, **URL)
    assert (result.exit_code, result.stdout) == (0, "")
    assert [json.loads(line)["event"] for line in result.stderr.splitlines()] == logged


SCRIPT = """
import sys
from chassis.cli import create_cli

def forbidden(*_):
    raise AssertionError

try:
    create_cli("click", settings=forbidden, bootstrap=forbidden, migrations=forbidden)(sys.argv[1:])
finally:
    loaded = {"fastapi", "alembic", "uvicorn"} & set(sys.modules)
    print("loaded:", *loaded)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["serve", "--help"], ["--version"]])
def test_help_loads_neither_the_service_nor_its_frameworks(arguments: list[str]) -> None:
    result = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True)
    assert result.stdout.endswith("loaded:\n")
    assert "Usage" in result.stdout or "version" in result.stdout
