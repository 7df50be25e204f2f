"""The command line of a service. Imports what a command needs only when it runs, so that `--help` answers at once.

A service makes its group with `create_cli` and adds commands of its own. Click hands each of them the `Context`:

    @main.command()
    @click.pass_obj
    def reprice(context: Context) -> None:
        settings = context.settings("database")
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol, cast

import click
import structlog

from .audit.cli import audit
from .service import ServiceIdentity
from .settings import Environment, InvalidSettings, load_settings, misspelled, sections
from .telemetry.cli import log_level

if TYPE_CHECKING:
    from .database.port import Database
    from .database.retries import Retries
    from .http.application import Service

CANNOT_START = 2
_log = structlog.stdlib.get_logger("migrations")


class Storage(Protocol):
    """Everything that a service stores, on one database."""

    @property
    def database(self) -> "Database": ...


class Bootstrap(Protocol):
    """The composition root of a service; its module `bootstrap` has these names."""

    @property
    def SERVICE(self) -> ServiceIdentity: ...  # noqa: N802 - a constant of the module

    def create_storage(self, settings: Any, retries: "Retries") -> Storage:
        """Storage on the database that the settings name, not opened."""
        ...

    def create_service(self, settings: Any) -> "Service":
        """The application with the adapters that the settings name."""
        ...

    def create_service_in_memory(self, settings: Any) -> "Service":
        """The same application, independent of any server; it is documented, not served."""
        ...


class WorkerBootstrap(Bootstrap, Protocol):
    """The composition root of a service that has a worker."""

    def create_service(self, settings: Any, *, run_worker: bool = False) -> "Service":
        """The application; with `run_worker` it publishes and consumes messages in the same process."""
        ...


class Migrations(Protocol):
    """The schema of the service's database."""

    def upgrade(self) -> None:
        """Upgrade to the newest revision. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """The context of a command: settings, composition root, and how servers run.

    Args:
        name: of the service's distribution; its logs carry it.
        settings_class: imports and returns the service's Settings.
        bootstrap: imports and returns the service's composition root.
        around: a context manager around the whole run of a server.
    """

    name: str
    settings_class: Callable[[], type[Any]]
    bootstrap: Callable[[], Bootstrap]
    around: Callable[[Any], AbstractContextManager[object]]

    def settings(self, *used: str, prints: bool = False) -> Any:
        """Load the settings and set up logging; exits with a line for each problem if they are invalid.

        Args:
            used: sections that a command works with, if not with all; the others may be incomplete outside local.
            prints: standard output is the command's own; warnings, at level debug all lines, go to standard error.
        """
        try:
            settings = load_settings(self.settings_class(), used or None)
        except InvalidSettings as error:
            for problem in error.problems:
                click.echo(f"cannot start: {problem}", err=True)
            sys.exit(CANNOT_START)
        from .telemetry.logs import configure_logging

        configure_logging(
            "warning" if prints and settings.log.level == "info" else settings.log.level,
            settings.log.format,
            sys.stderr if prints else None,
            settings.log.redacted,
            identity=ServiceIdentity.of_distribution(self.name, self.name),
            environment=settings.service.environment,
        )
        for name, nearest in misspelled(sections(self.settings_class()).values()).items():
            structlog.stdlib.get_logger("settings").warning("unknown setting", variable=name, nearest=nearest)
        return settings

    def create_database(self, settings: Any) -> "Database":
        """The database that the settings name, not opened."""
        from .database.retries import Retries

        return self.bootstrap().create_storage(settings, Retries()).database

    def serve(self, service: "Service", settings: Any, *, port_setting: str = "HTTP_PORT") -> None:
        """Serve until a signal stops it; exits with 2 if it cannot start.

        Args:
            service: the application to serve.
            settings: their sections `http` and `shutdown` say where, and how it stops.
            port_setting: the variable that the port was read from.
        """
        from .http.server import CannotListen, serve

        try:
            with self.around(settings):
                started = serve(service.app, service.lifecycle, settings.http, settings.shutdown)
        except CannotListen as error:
            click.echo(f"cannot start: {port_setting}: {error}", err=True)
            sys.exit(CANNOT_START)
        if not started:
            sys.exit(CANNOT_START)


def create_cli(
    name: str,
    *,
    settings: Callable[[], type[Any]],
    bootstrap: Callable[[], Bootstrap],
    migrations: Callable[[Any], Migrations],
    has_worker: bool = False,
    around: Callable[[Any], AbstractContextManager[object]] = nullcontext,
) -> click.Group:
    """The commands serve, migrate, openapi, log-level and audit.

    Args:
        name: of the service's distribution.
        settings: imports and returns the class of the settings: `service`, `log`, `http`, `shutdown`, `database`, ...
        bootstrap: imports and returns the composition root. Called by commands that need it only.
        migrations: given the settings, the schema that `migrate` upgrades.
        has_worker: whether the composition root is a WorkerBootstrap; `serve` then takes --worker/--no-worker.
        around: given the settings, a context manager around the whole run of a server, such as tracing.
    """
    context = Context(name, settings, bootstrap, around)

    @click.group(name, context_settings={"help_option_names": ["-h", "--help"], "obj": context})
    @click.version_option(version(name))
    def main() -> None:
        """Run the service and its maintenance commands. Settings come from the environment: see .env.example."""

    main.add_command(_serve_with_worker(migrations) if has_worker else _serve(migrations))
    main.add_command(_migrate(migrations))
    main.add_command(_openapi)
    main.add_command(log_level)
    main.add_command(audit)
    return main


def _serve(migrations: Callable[[Any], Migrations]) -> click.Command:
    @click.command("serve")
    @click.pass_obj
    def serve(context: Context) -> None:
        """Answer HTTP requests until SIGTERM or Ctrl-C."""
        settings = context.settings()
        _migrate_local_database(settings, migrations)
        context.serve(context.bootstrap().create_service(settings), settings)

    return serve


def _serve_with_worker(migrations: Callable[[Any], Migrations]) -> click.Command:
    @click.command("serve")
    @click.option(
        "--worker/--no-worker",
        "run_worker",
        default=None,
        help="Publish and consume events in this process too, instead of in `worker`. [default: in local only]",
    )
    @click.pass_obj
    def serve(context: Context, run_worker: bool | None) -> None:
        """Answer HTTP requests until SIGTERM or Ctrl-C."""
        settings = context.settings()
        _migrate_local_database(settings, migrations)
        if run_worker is None:
            run_worker = settings.service.environment is Environment.LOCAL
        bootstrap = cast(WorkerBootstrap, context.bootstrap())
        context.serve(bootstrap.create_service(settings, run_worker=run_worker), settings)

    return serve


def _migrate(migrations: Callable[[Any], Migrations]) -> click.Command:
    @click.command("migrate")
    @click.pass_obj
    def migrate(context: Context) -> None:
        """Upgrade the database's schema; does nothing if it is up to date."""
        settings = context.settings("database")
        from .errors import Unavailable

        if settings.database.url is None:
            raise click.UsageError("DATABASE_URL is not set: name the database to migrate")
        try:
            migrations(settings).upgrade()
        except Unavailable as error:
            raise click.ClickException(f"cannot migrate: {error}") from error

    return migrate


@click.command("openapi")
@click.pass_obj
def _openapi(context: Context) -> None:
    """Print the OpenAPI document."""
    from .http.openapi import render

    service = context.bootstrap().create_service_in_memory(context.settings("log", prints=True))
    click.echo(render(service.app.openapi()))


def _migrate_local_database(settings: Any, migrations: Callable[[Any], Migrations]) -> None:
    """A first look should not need `migrate`. Elsewhere migrations are a step of their own before a rollout."""
    if settings.service.environment is not Environment.LOCAL or settings.database.url is None:
        return
    from .errors import Unavailable

    try:
        migrations(settings).upgrade()
    except Unavailable as error:
        _log.warning("database not migrated; run migrate when it is available", reason=error.reason)
