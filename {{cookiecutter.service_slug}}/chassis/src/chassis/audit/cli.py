"""The commands `audit list` and `audit purge`."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

if TYPE_CHECKING:
    from .port import AuditedDatabase

OUTCOMES = ("done", "refused")
T = TypeVar("T")


class CommandContext(Protocol):
    """The part of `chassis.cli.Context` that these commands use."""

    def settings(self, *used: str, prints: bool = False) -> Any:
        """Load the settings and set up logging."""
        ...

    def create_database(self, settings: Any) -> "AuditedDatabase":
        """The database that the settings name, not opened."""
        ...


class Time(click.ParamType[datetime]):
    """A date or a time in ISO 8601; in UTC unless it says otherwise."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The time in UTC."""
        try:
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a time such as 2026-01-31 or 2026-01-31T09:30:00+01:00", param, ctx)


@click.group("audit")
def audit() -> None:
    """The audit log: read who did what to which entity, and purge old entries."""


@audit.command("list")
@click.option("--entity-kind", help="Only those of this kind of entity.")
@click.option("--entity-id", help="Only those of this entity.")
@click.option("--actor", help="Only those of this subject.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only those with this outcome.")
@click.option("--since", type=Time(), help="Only those of this time or later; UTC without an offset.")
@click.option("--until", type=Time(), help="Only those before this time.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="All fields, as a JSON object on each line.")
@click.pass_obj
def list_command(context: CommandContext, /, limit: int, as_json: bool, **wanted: Any) -> None:
    """A line for each, the oldest first; the newest ones if there are more than the limit.

    Time, outcome, action, entity, its version, actor, client, address, correlation id, reason.
    """
    from .operations import list_entries
    from .port import AuditQuery

    settings = context.settings("database", prints=True)
    _require_url(settings)
    _run(list_entries(context.create_database(settings), AuditQuery(limit=limit, **wanted), as_json=as_json))


@audit.command("purge")
@click.option("--older-than", "days", required=True, type=click.IntRange(min=1), metavar="DAYS", help="Age in days.")
@click.pass_obj
def purge_command(context: CommandContext, days: int) -> None:
    """Delete entries by their age, with an account that may: that of `migrate`, not that of the service."""
    from .operations import purge_entries

    settings = context.settings("database", prints=True)
    _require_url(settings)
    direct = settings.database.direct()  # as `migrate` connects
    if direct is None:
        raise click.ClickException("cannot purge: DATABASE_DIRECT_URL must be set, as for `migrate`")
    _run(purge_entries(context.create_database(replace(settings, database=direct)), timedelta(days=days)))


def _require_url(settings: Any) -> None:
    if settings.database.url is None:
        raise click.UsageError("DATABASE_URL is not set: name the database that holds the audit log")


def _run(operation: Coroutine[Any, Any, T]) -> T:
    from ..errors import Unavailable

    try:
        return asyncio.run(operation)
    except Unavailable as error:
        raise click.ClickException(str(error)) from error
