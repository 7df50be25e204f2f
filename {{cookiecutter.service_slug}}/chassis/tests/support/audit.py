"""The account of a service: it may add to its audit log, and change nothing in it."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from chassis.audit.port import AuditQuery
from chassis.database.port import DatabaseTransaction, IdempotencyKey, SqlDatabase
from chassis.database.retries import Retries
from chassis.database.transactions import Transactions
from chassis.domain import Store
from chassis.errors import Unavailable
from chassis.identity import utc_now
from tests.sample.domain.parcels import Parcel
from tests.support.parcels import new_parcel

PAGES = Path(__file__).parents[2] / "docs" / "database"
# The name in the documents.
DOCUMENTED = "billing_service"
ALL = AuditQuery(limit=10)


def documented_statements(page: str, account: str) -> list[str]:
    """The statements on a page of the documents that give a service its rights, for this account."""
    section = (PAGES / page).read_text().partition("## The account of the service\n")[2].partition("\n## ")[0]
    [block] = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
    return [statement for each in block.split(";\n") if (statement := each.strip().replace(DOCUMENTED, account))]


async def check_service_works(database: SqlDatabase, parcels: Store[Parcel]) -> None:
    """Everything that a service does with its database: a change with an idempotency key, and housekeeping."""
    parcel, key = new_parcel(), IdempotencyKey("key", b"digest")

    async def create(transaction: DatabaseTransaction) -> None:
        await transaction.idempotency.claim(key)
        await parcels.within(transaction).add(parcel)
        await transaction.idempotency.save_response(key, b"response", utc_now())

    async def confirm(transaction: DatabaseTransaction) -> None:
        repository = parcels.within(transaction)
        found = await repository.get(parcel.id)
        found.confirm(at=utc_now())
        await repository.save(found)

    await database.check()
    transactions = Transactions(database, Retries())
    await transactions.run(create)
    await transactions.run(confirm)
    assert await database.purge_idempotency_keys(utc_now() + timedelta(hours=1)) == 1
    found = await database.find_audit_entries(ALL)
    assert [(entry.action, entry.entity_id) for entry in found] == [
        ("confirmed", str(parcel.id)),
        ("created", str(parcel.id)),
    ]


async def check_entries_stay(database: SqlDatabase, change: Callable[[str], Awaitable[object]]) -> None:
    """Whatever it tries, the entries stay as they are."""
    before = await database.find_audit_entries(ALL)
    assert before
    with pytest.raises(Unavailable, match="rights are missing"):
        await database.purge_audit_entries(utc_now() + timedelta(hours=1))
    for statement in (
        "UPDATE audit_entries SET actor = 'nobody'",
        "DELETE FROM audit_entries",
        "TRUNCATE TABLE audit_entries",
        "DROP TABLE audit_entries",
        "ALTER TABLE audit_entries DROP COLUMN actor",
    ):
        with pytest.raises(Unavailable, match="rights are missing"):
            await change(statement)
    assert await database.find_audit_entries(ALL) == before
