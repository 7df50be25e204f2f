"""The command line. Imports what a command needs only when it runs, so that `--help` answers at once."""

import sys
from importlib.metadata import version

import click

from .config import Environment, InvalidSettings, Settings, load_settings

CANNOT_START = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("{{ cookiecutter.service_slug }}"))
def main() -> None:
    """Runs the service and its chores. Settings come from the environment: see .env.example."""


@main.command()
def serve() -> None:
    """Answer HTTP requests until SIGTERM or Ctrl-C."""
    settings = _settings()
    from .bootstrap import create_service
    from .server import serve as serve_until_signal

    if settings.service.environment is Environment.LOCAL:
        _prepare_local_database(settings)
    service = create_service(settings)
    if not serve_until_signal(service.app, service.lifecycle, settings):
        sys.exit(CANNOT_START)


@main.command()
def migrate() -> None:
    """Bring the database's schema up to date; does nothing if it is."""
    settings = _settings()
    from .domain.errors import Unavailable
    from .infrastructure.database.migrations import upgrade

    if settings.database.url is None:
        raise click.UsageError("DATABASE_URL is not set: say which database to migrate")
    try:
        upgrade(settings.database)
    except Unavailable as error:
        raise click.ClickException(f"cannot migrate: {error}") from error


@main.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    import orjson

    from .bootstrap import create_service
    from .infrastructure.database.memory import MemoryDatabase

    document = create_service(_settings(), MemoryDatabase()).app.openapi()
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _settings() -> Settings:
    """The settings, with logging set up; ends the process with a line for each problem if they are wrong."""
    try:
        settings = load_settings()
    except InvalidSettings as error:
        for problem in error.problems:
            click.echo(f"cannot start: {problem}", err=True)
        sys.exit(CANNOT_START)
    from .infrastructure.telemetry.logging import configure_logging

    configure_logging(
        settings.log.level,
        settings.log.format,
        service="{{ cookiecutter.service_slug }}",
        version=version("{{ cookiecutter.service_slug }}"),
        environment=settings.service.environment,
    )
    return settings


def _prepare_local_database(settings: Settings) -> None:
    """A first look should not need `migrate`. Elsewhere migrations are a step of their own before a rollout."""
    if settings.database.url is not None:
        from .infrastructure.database.migrations import upgrade

        upgrade(settings.database)


if __name__ == "__main__":
    main()
