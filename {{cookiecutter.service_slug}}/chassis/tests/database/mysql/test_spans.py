"""Every statement is a span, BEGIN and COMMIT too: they show how long the disk took."""

from contextlib import AbstractContextManager, nullcontext

import pytest

from chassis.database.mysql import MysqlDatabase, connection


async def test_statements_are_spans(database: MysqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    spans: list[tuple[str, str]] = []

    def recorded(system: str, statement: str) -> AbstractContextManager[None]:
        spans.append((system, statement))
        return nullcontext()

    await database.check()  # connects
    monkeypatch.setattr(connection, "statement_span", recorded)
    async with database.begin() as transaction:
        await transaction.execute("DELETE FROM labels WHERE text = ?", "fragile")
        await transaction.fetch("SELECT ?", 1)
    assert spans == [
        ("mysql", statement) for statement in ("BEGIN", "DELETE FROM labels WHERE text = ?", "SELECT ?", "COMMIT")
    ]
