"""The command line. Imports what a command needs only when it runs, so that `--help` answers at once."""

import sys
{%- if cookiecutter.broker != "none" %}
from dataclasses import replace
{%- endif %}
from importlib.metadata import version

import click
import structlog

from .config import Environment, InvalidSettings, Settings, load_settings
from .config.settings import SECTIONS

CANNOT_START = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("{{ cookiecutter.service_slug }}"))
def main() -> None:
    """Runs the service and its chores. Settings come from the environment: see .env.example."""


@main.command()
{%- if cookiecutter.broker != "none" %}
@click.option(
    "--worker/--no-worker",
    "works",
    default=None,
    help="Publish and take in events in this process too, instead of leaving it to `worker`. [default: in local only]",
)
def serve(works: bool | None) -> None:
    """Answer HTTP requests until SIGTERM or Ctrl-C."""
    settings = _settings()
{%- else %}
def serve() -> None:
    """Answer HTTP requests until SIGTERM or Ctrl-C."""
    settings = _settings()
{%- endif %}
    from .bootstrap import create_service
    from .server import serve as serve_until_signal

    if settings.service.environment is Environment.LOCAL:
        _prepare_local_database(settings)
{%- if cookiecutter.broker != "none" %}
    local = settings.service.environment is Environment.LOCAL
    service = create_service(settings, works=local if works is None else works)
{%- else %}
    service = create_service(settings)
{%- endif %}
    if not serve_until_signal(service.app, service.lifecycle, settings):
        sys.exit(CANNOT_START)


@main.command()
def migrate() -> None:
    """Bring the database's schema up to date; does nothing if it is."""
    settings = _settings("database")
    from .domain.errors import Unavailable
    from .infrastructure.database.migrations import upgrade

    if settings.database.url is None:
        raise click.UsageError("DATABASE_URL is not set: say which database to migrate")
    try:
        upgrade(settings.database)
    except Unavailable as error:
        raise click.ClickException(f"cannot migrate: {error}") from error


{% if cookiecutter.broker != "none" -%}
@main.command()
def worker() -> None:
    """Publish events and take them in until SIGTERM or Ctrl-C; any number of workers may run."""
    settings = _settings()
    from .bootstrap import create_worker_service
    from .server import serve as serve_until_signal

    if settings.broker.url is None:
        raise click.UsageError("BROKER_URL is not set: say where events go, or use `serve --worker`")
    service = create_worker_service(settings)
    # Nobody sends requests here that would have to move elsewhere first.
    settings = replace(
        settings,
        http=settings.http.model_copy(update={"port": settings.worker.port}),
        shutdown=settings.shutdown.model_copy(update={"drain_seconds": 0}),
    )
    if not serve_until_signal(service.app, service.lifecycle, settings):
        sys.exit(CANNOT_START)


@main.group()
def dead_letters() -> None:
    """Messages that could not be handled: look at them, and hand them over again once the reason is gone."""


@dead_letters.command("list")
@click.option("--consumer", help="Only those of this consumer.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many at most.")
def list_dead_letters(consumer: str | None, limit: int) -> None:
    """A line for each, the oldest first: consumer, id, time, attempts, type, reason."""
    from .dead_letters import list_letters

    list_letters(_settings("broker", prints=True), consumer, limit)


@dead_letters.command("show")
@click.argument("consumer")
@click.argument("id")
def show_dead_letter(consumer: str, id: str) -> None:
    """Everything about one, as JSON."""
    from .dead_letters import show_letter

    show_letter(_settings("broker", prints=True), consumer, id)


@dead_letters.command("replay")
@click.argument("consumer")
@click.argument("ids", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that are there now, the oldest first.")
def replay_dead_letters(consumer: str, ids: tuple[str, ...], every: bool) -> None:
    """Hand them to their consumer again. Safe to repeat: what had its effect does not have it twice."""
    from .dead_letters import replay_letters

    if bool(ids) == every:
        raise click.UsageError("name the ids to replay, or give --all")
    replay_letters(_settings("broker", prints=True), consumer, ids)


@main.command()
def asyncapi() -> None:
    """Print the AsyncAPI document: which events are published and taken in."""
    import orjson

    from .bootstrap import PACKAGE, TITLE
    from .infrastructure.messaging.asyncapi import document

    click.echo(orjson.dumps(document(TITLE, PACKAGE["Version"], PACKAGE["Summary"]), option=orjson.OPT_INDENT_2))


@main.command()
@click.argument("folder", type=click.Path(file_okay=False))
def event_schemas(folder: str) -> None:
    """Write a JSON Schema for each event that is published, and one for the envelope around them."""
    from pathlib import Path

    from .infrastructure.messaging.contracts import write

    for stale in write(Path(folder)):
        click.echo(f"{stale}: nothing is published like this any more; delete it if nobody reads it", err=True)


{% endif -%}
@main.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from .api.openapi import written
    from .bootstrap import create_service_in_memory

    click.echo(written(create_service_in_memory(_settings("log", prints=True)).app.openapi()))


@main.command()
@click.argument("level", type=click.Choice(["debug", "reset"]))
@click.option("--pid", default=1, show_default=True, type=click.IntRange(min=1), help="Which one; 1 in a container.")
def log_level(level: str, pid: int) -> None:
    """Have a running process log at debug for 15 minutes, or end that."""
    from .infrastructure.telemetry.log_level_request import CannotSwitch, switch

    try:
        switch(pid, level)
    except CannotSwitch as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"asked process {pid}; its log tells the change")


def _settings(*used: str, prints: bool = False) -> Settings:
    """The settings, with logging set up; ends the process with a line for each problem if they are wrong.

    Args:
        used: the groups that a command works with, if it does not work with all.
        prints: whether standard output is for what the command prints; what it logs goes to standard error then.
    """
    try:
        settings = load_settings(used or SECTIONS)
    except InvalidSettings as error:
        for problem in error.problems:
            click.echo(f"cannot start: {problem}", err=True)
        sys.exit(CANNOT_START)
    from .infrastructure.telemetry.logging import configure_logging

    configure_logging(
        settings.log.level,
        settings.log.format,
        sys.stderr if prints else None,
        settings.log.redacted,
        service="{{ cookiecutter.service_slug }}",
        version=version("{{ cookiecutter.service_slug }}"),
        environment=settings.service.environment,
    )
    return settings


def _prepare_local_database(settings: Settings) -> None:
    """A first look should not need `migrate`. Elsewhere migrations are a step of their own before a rollout."""
    if settings.database.url is not None:
        from .domain.errors import Unavailable
        from .infrastructure.database.migrations import upgrade

        try:
            upgrade(settings.database)
        except Unavailable as error:
            log = structlog.stdlib.get_logger("migrations")
            log.warning("no migration now: run migrate when the database is there", reason=error.reason)


if __name__ == "__main__":
    main()
