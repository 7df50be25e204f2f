"""Refusals are stored within a rate, and logged and counted always; whatever happens, the caller is answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from chassis.audit import trail
from chassis.audit.port import AuditQuery
from chassis.audit.trail import REFUSALS_AT_ONCE, REFUSALS_PER_SECOND, AuditTrail
from chassis.caller import Caller, acting_for
from chassis.database.memory import MemoryDatabase, MemoryTransaction
from chassis.errors import Unavailable
from tests.support.logs import logged

ALL = AuditQuery(limit=10_000)


class FailingDatabase(MemoryDatabase):
    """Cannot store anything."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryTransaction]:
        if self.error is None:
            await asyncio.Event().wait()
        else:
            raise self.error
        yield MemoryTransaction(self)


class Refusals:
    """A trail on a database, with a clock of its own."""

    def __init__(self, database: MemoryDatabase) -> None:
        self.database = database
        self.seconds = 0.0
        self.registry = CollectorRegistry()
        self.trail = AuditTrail(database, self.registry, lambda: self.seconds)

    async def refuse(self, count: int = 1) -> None:
        """Refuse something a number of times."""
        for _ in range(count):
            await self.trail.refused("pay_invoice", "forbidden", entity_kind="invoice", entity_id="7")

    async def stored(self) -> int:
        """How many are stored."""
        return len(await self.database.find_audit_entries(ALL))

    def counted(self, result: str) -> float | None:
        """How many were counted."""
        return self.registry.get_sample_value("audit_refusals_total", {"result": result})


async def test_a_refusal_is_stored_with_its_caller() -> None:
    refusals = Refusals(MemoryDatabase())
    with logged() as lines, acting_for(Caller(subject="zoe", address="10.1.2.3")):
        await refusals.refuse()
    [entry] = await refusals.database.find_audit_entries(ALL)
    assert (entry.actor, entry.address, entry.action, entry.reason) == ("zoe", "10.1.2.3", "pay_invoice", "forbidden")
    assert (entry.entity_kind, entry.entity_id, entry.outcome) == ("invoice", "7", "refused")
    assert (lines[0]["event"], lines[0]["stored"]) == ("audit", True)
    assert [refusals.counted(result) for result in ("stored", "limited", "failed")] == [1, 0, 0]


async def test_a_flood_does_not_fill_the_table_and_is_logged_and_counted() -> None:
    refusals = Refusals(MemoryDatabase())
    with logged() as lines:
        await refusals.refuse(REFUSALS_AT_ONCE + 50)
    assert await refusals.stored() == REFUSALS_AT_ONCE
    assert [line["stored"] for line in lines] == [True] * REFUSALS_AT_ONCE + [False] * 50
    assert [refusals.counted(result) for result in ("stored", "limited")] == [REFUSALS_AT_ONCE, 50]
    refusals.seconds += 3
    await refusals.refuse(100)
    assert await refusals.stored() == REFUSALS_AT_ONCE + 3 * REFUSALS_PER_SECOND


async def test_a_pause_allows_no_more_than_a_full_bucket() -> None:
    refusals = Refusals(MemoryDatabase())
    refusals.seconds += 86_400
    await refusals.refuse(REFUSALS_AT_ONCE + 1)
    assert await refusals.stored() == REFUSALS_AT_ONCE


@pytest.mark.parametrize(
    ("error", "level", "reason"),
    [
        (Unavailable("database", "cannot be reached"), "warning", "cannot be reached"),
        (None, "warning", "no answer in time"),
        (PermissionError("INSERT"), "error", None),
    ],
)
async def test_a_refusal_that_cannot_be_stored_is_logged_and_counted(
    error: Exception | None, level: str, reason: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "WRITE_SECONDS", 0.01)
    refusals = Refusals(FailingDatabase(error))
    with logged() as lines:
        await refusals.refuse()
    assert [(line["event"], line["level"]) for line in lines] == [("audit entry not stored", level), ("audit", "info")]
    assert lines[0].get("reason") == reason
    assert lines[1]["stored"] is False
    assert [refusals.counted(result) for result in ("stored", "failed")] == [0, 1]
