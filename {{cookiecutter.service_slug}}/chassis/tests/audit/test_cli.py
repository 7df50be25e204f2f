"""The commands for the audit log: output, what they ask for, refusals."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chassis.audit.cli import audit
from chassis.audit.port import AuditQuery
from chassis.database.memory import MemoryDatabase
from chassis.errors import Unavailable
from chassis.identity import utc_now
from chassis.testing.audit import NOW, new_entry
from tests.support.logs import logged

COLUMNS = 11


@dataclass(frozen=True)
class Section:
    """Where the database is."""

    url: str | None = "a-database://service"
    direct_url: str | None = "a-database://migrations"

    def direct(self) -> "Section | None":
        """The account of migrations."""
        return replace(self, url=self.direct_url) if self.direct_url else None


@dataclass(frozen=True)
class Settings:
    """The settings of the service."""

    database: Section = field(default_factory=Section)


class QuietDatabase(MemoryDatabase):
    """Opens without a line in the log."""

    async def open(self) -> None:
        """Nothing to open."""


class FakeContext:
    """The context of a command; records which database was opened for it."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.given = settings or Settings()
        self.database = QuietDatabase()
        self.urls: list[str | None] = []
        self.sections: list[str] = []

    def settings(self, *used: str, prints: bool = False) -> Settings:
        """Standard output is the command's own."""
        assert prints
        self.sections += used
        return self.given

    def create_database(self, settings: Settings) -> MemoryDatabase:
        """The database."""
        self.urls.append(settings.database.url)
        return self.database


@pytest.fixture
def context() -> FakeContext:
    """With entries."""
    context = FakeContext()
    context.database.audit_entries += [
        new_entry(actor="zoe", recorded_at=NOW),
        new_entry(
            actor="bad\x1b[2J",
            recorded_at=NOW + timedelta(hours=1),
            client_id=None,
            entity_version=None,
            outcome="refused",
            reason="forbidden",
        ),
    ]
    return context


def call(context: FakeContext, *arguments: str) -> Result:
    """Run a command as from a shell."""
    return CliRunner().invoke(audit, arguments, obj=context)


def test_lists_a_line_for_each_the_oldest_first(context: FakeContext) -> None:
    result = call(context, "list")
    assert result.exit_code == 0
    lines = [line.split("  ") for line in result.stdout.splitlines()]
    assert lines[0] == [
        "2026-01-31T09:30:00.123+00:00",
        "done",
        "paid",
        "invoice",
        "0197a0c1-93a4-7d0e-8f2f-5f6f1f0a7c11",
        f"v{2**40}",
        "zoe",
        "web",
        "2001:db8::7",
        "0b7e",
        "-",
    ]
    assert (lines[1][5], lines[1][6], lines[1][7], lines[1][10]) == ("-", "bad?[2J", "-", "forbidden")
    assert (context.urls, context.sections) == (["a-database://service"], ["database"])


def test_lists_all_fields_as_json(context: FakeContext) -> None:
    result = call(context, "list", "--json", "--limit", "1")
    [shown] = map(json.loads, result.stdout.splitlines())
    assert (shown["actor"], shown["reason"], shown["client_id"]) == ("bad\x1b[2J", "forbidden", None)
    assert shown["recorded_at"] == "2026-01-31T10:30:00.123456+00:00"


def test_passes_on_what_is_asked_for(context: FakeContext, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[AuditQuery] = []

    async def find(wanted: AuditQuery) -> list[Any]:
        asked.append(wanted)
        return []

    monkeypatch.setattr(context.database, "find_audit_entries", find)
    options = {"entity-kind": "invoice", "entity-id": "7", "actor": "zoe", "outcome": "refused", "limit": "7"}
    times = {"since": "2026-01-31", "until": "2026-01-31T12:00:00+01:00"}
    result = call(context, "list", *(f"--{name}={value}" for name, value in (options | times).items()))
    assert (result.exit_code, result.output) == (0, "")
    [wanted] = asked
    assert (wanted.entity_kind, wanted.entity_id, wanted.actor, wanted.outcome) == ("invoice", "7", "zoe", "refused")
    assert wanted.limit == 7
    assert wanted.since == datetime(2026, 1, 31, tzinfo=UTC)
    assert wanted.until == datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize("time", ["yesterday", "0001-01-01T00:00+14:00"])
def test_refuses_what_is_no_time(context: FakeContext, time: str) -> None:
    result = call(context, "list", "--since", time)
    assert (result.exit_code, context.urls) == (2, [])
    assert "is not a time such as 2026-01-31" in result.stderr


def test_purges_by_age_with_the_account_of_migrations_and_logs_it(context: FakeContext) -> None:
    young = new_entry(recorded_at=utc_now() - timedelta(days=29))
    old = new_entry(recorded_at=utc_now() - timedelta(days=31))
    context.database.audit_entries[:] = [young, old]
    with logged() as lines:
        result = call(context, "purge", "--older-than", "30")
    assert (result.exit_code, result.stdout) == (0, "purged 1 entries older than 30 days\n")
    assert context.database.audit_entries == [young]
    assert context.urls == ["a-database://migrations"]
    [line] = lines
    assert (line["event"], line["count"], line["older_than_days"]) == ("audit entries purged", 1, 30)


def test_does_not_purge_through_a_pooler() -> None:
    context = FakeContext(Settings(Section(direct_url=None)))
    result = call(context, "purge", "--older-than", "30")
    assert (result.exit_code, context.urls) == (1, [])
    assert "DATABASE_DIRECT_URL must be set" in result.stderr


@pytest.mark.parametrize("arguments", [("list",), ("purge", "--older-than", "30")])
def test_needs_a_database(arguments: tuple[str, ...]) -> None:
    context = FakeContext(Settings(Section(url=None)))
    result = call(context, *arguments)
    assert (result.exit_code, context.urls) == (2, [])
    assert "DATABASE_URL is not set" in result.stderr


@pytest.mark.parametrize("arguments", [("purge",), ("purge", "--older-than", "0"), ("list", "--limit", "0")])
def test_refuses_what_makes_no_sense(context: FakeContext, arguments: tuple[str, ...]) -> None:
    assert call(context, *arguments).exit_code == 2
    assert context.urls == []


def test_a_database_that_is_away_is_one_line(context: FakeContext, monkeypatch: pytest.MonkeyPatch) -> None:
    async def purge(_: datetime) -> int:
        raise Unavailable("database", "rights are missing")

    monkeypatch.setattr(context.database, "purge_audit_entries", purge)
    result = call(context, "purge", "--older-than", "30")
    assert (result.exit_code, result.stderr) == (1, "Error: database: rights are missing\n")
