"""The operations behind the commands for the audit log, and their output."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import timedelta

import click
import orjson
import structlog

from ..identity import utc_now
from .entry import AuditEntry
from .port import AuditedDatabase, AuditQuery

NONE = "-"
_log = structlog.stdlib.get_logger("audit")


async def list_entries(database: AuditedDatabase, wanted: AuditQuery, *, as_json: bool) -> None:
    """Print a line for each, the oldest first."""
    async with _opened(database):
        found = await database.find_audit_entries(wanted)
    for entry in reversed(found):
        click.echo(orjson.dumps(asdict(entry)) if as_json else _line(entry))


async def purge_entries(database: AuditedDatabase, age: timedelta) -> None:
    """Delete old entries; the log keeps a line about it."""
    async with _opened(database):
        count = await database.purge_audit_entries(utc_now() - age)
    _log.warning("audit entries purged", count=count, older_than_days=age.days)
    click.echo(f"purged {count} entries older than {age.days} days")


@asynccontextmanager
async def _opened(database: AuditedDatabase) -> AsyncIterator[None]:
    await database.open()
    try:
        yield
    finally:
        await database.close()


def _line(entry: AuditEntry) -> str:
    version = NONE if entry.entity_version is None else f"v{entry.entity_version}"
    parts = (
        entry.recorded_at.isoformat(timespec="milliseconds"),
        entry.outcome,
        entry.action,
        entry.entity_kind,
        entry.entity_id,
        version,
        entry.actor,
        entry.client_id,
        entry.address,
        entry.correlation_id,
        entry.reason,
    )
    return "  ".join(_on_one_line(part) for part in parts)


def _on_one_line(text: str | None) -> str:
    """The text without control characters: it may come from a token, and must not move the terminal's cursor."""
    return "".join(each if each.isprintable() else "?" for each in text) if text else NONE
