"""The conformance suite of an audit log: written once and run over the database of every adapter.

Subclass it in a test module, name the subclass `Test...`, and provide the fixture `database`: opened, empty, its own.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ..audit.entry import DONE, MAX_ACTOR, MAX_CORRELATION_ID, MAX_NAME, REFUSED, AuditEntry
from ..audit.port import AuditQuery
from ..database.port import Database
from ..identity import new_id

NOW = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
EVERYTHING = AuditQuery(limit=1000)


def new_entry(**values: Any) -> AuditEntry:
    """An entry of its own, with a value for each field."""
    entry = AuditEntry(
        id=new_id(),
        recorded_at=NOW,
        actor="auth0|Zo\xeb \N{SNOWMAN} \U0001f4e6",
        client_id="web",
        address="2001:db8::7",
        action="paid",
        entity_kind="invoice",
        entity_id="0197a0c1-93a4-7d0e-8f2f-5f6f1f0a7c11",
        entity_version=2**40,
        outcome=DONE,
        reason=None,
        correlation_id="0b7e",
    )
    return replace(entry, **values)


async def record(database: Database, *entries: AuditEntry) -> None:
    """Record entries in one transaction."""
    async with database.begin() as transaction:
        await transaction.audit.record(entries)


class AuditConformance:
    """The audit log of a database. Fixture: `database`, opened."""

    @pytest.mark.parametrize(
        "values",
        [
            {},
            dict.fromkeys(("client_id", "address", "entity_kind", "entity_id", "entity_version", "correlation_id")),
            {"outcome": REFUSED, "reason": "invalid-transition", "entity_version": 1},
            {"actor": "\U0001f4e6" * MAX_ACTOR, "client_id": "c" * MAX_ACTOR, "action": "\xeb" * MAX_NAME},
            {"entity_kind": "k" * MAX_NAME, "entity_id": "i" * MAX_NAME, "correlation_id": "x" * MAX_CORRELATION_ID},
        ],
        ids=["done", "nothing known", "refused", "longest actor", "longest names"],
    )
    async def test_finds_what_was_recorded(self, database: Database, values: dict[str, Any]) -> None:
        entry = new_entry(**values)
        await record(database, entry)
        found = await database.find_audit_entries(EVERYTHING)
        assert found == [entry]
        assert type(found[0].id) is UUID  # a driver's own class is equal to it, and cannot be written as JSON

    async def test_records_nothing_of_a_failed_transaction(self, database: Database) -> None:
        with pytest.raises(RuntimeError):
            async with database.begin() as transaction:
                await transaction.audit.record([new_entry()])
                raise RuntimeError
        assert await database.find_audit_entries(EVERYTHING) == []

    async def test_finds_the_newest_first_up_to_the_limit(self, database: Database) -> None:
        entries = [new_entry(recorded_at=NOW + timedelta(microseconds=number // 2)) for number in range(6)]
        await record(database, *entries)
        found = await database.find_audit_entries(AuditQuery(limit=4))
        assert found == sorted(entries, key=lambda entry: (entry.recorded_at, entry.id), reverse=True)[:4]

    @pytest.mark.parametrize(
        ("wanted", "other"),
        [
            ({"entity_kind": "invoice"}, {"entity_kind": "Invoice"}),
            ({"entity_id": "7"}, {"entity_id": "8"}),
            ({"actor": "zoe"}, {"actor": "Zo\xeb"}),
            ({"outcome": REFUSED}, {"outcome": DONE}),
            ({"entity_kind": "invoice", "entity_id": "7"}, {"entity_kind": "invoice", "entity_id": None}),
        ],
    )
    async def test_finds_only_what_was_asked_for(
        self, database: Database, wanted: dict[str, Any], other: dict[str, Any]
    ) -> None:
        entry = new_entry(**wanted)
        await record(database, entry, new_entry(**other))
        assert await database.find_audit_entries(AuditQuery(limit=10, **wanted)) == [entry]

    async def test_finds_from_a_time_until_before_another(self, database: Database) -> None:
        entries = [new_entry(recorded_at=NOW + timedelta(hours=hours)) for hours in range(4)]
        await record(database, *entries)
        wanted = AuditQuery(limit=10, since=NOW + timedelta(hours=1), until=NOW + timedelta(hours=3))
        assert await database.find_audit_entries(wanted) == [entries[2], entries[1]]

    async def test_purges_only_old_entries(self, database: Database) -> None:
        old = [new_entry(recorded_at=NOW - timedelta(seconds=1)) for _ in range(1100)]  # more than one step
        young = new_entry()
        await record(database, *old, young)
        assert await database.purge_audit_entries(NOW) == len(old)
        assert await database.find_audit_entries(EVERYTHING) == [young]
        assert await database.purge_audit_entries(NOW) == 0
