"""Compares what was acknowledged with what the consumers have made of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, Table, func, select

Versions = Mapping[tuple[str, UUID], Sequence[int]]


@dataclass(frozen=True)
class Verdict:
    """The outcome for the events of acknowledged changes."""

    lost: int = 0
    twice: int = 0
    out_of_order: int = 0

    def __add__(self, other: "Verdict") -> "Verdict":
        """The sum over several consumers."""
        return Verdict(self.lost + other.lost, self.twice + other.twice, self.out_of_order + other.out_of_order)


def judge(acknowledged: Mapping[tuple[str, UUID], int], recorded: Versions) -> Verdict:
    """Every version from 1 on, each once, each after the one before.

    Args:
        acknowledged: last version of each aggregate.
        recorded: its versions in the order in which a consumer has handled them.
    """
    lost = twice = out_of_order = 0
    for aggregate, version in acknowledged.items():
        found = recorded.get(aggregate, [])
        lost += len(set(range(1, version + 1)) - set(found))
        twice += len(found) - len(set(found))
        out_of_order += found != sorted(found)
    return Verdict(lost, twice, out_of_order)


@dataclass(frozen=True)
class Records:
    """The tables that show what has happened, read beside the adapters.

    Args:
        engine: of the database, not through a proxy.
        outbox: events that wait to be published.
        effects: one for each consumer that records what it handles, such as the history: with the columns `position`,
            `aggregate`, `aggregate_id` and `version`.
    """

    engine: Engine
    outbox: Table
    effects: Sequence[Table]

    def waiting(self) -> int:
        """How many events are in the outbox."""
        with self.engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(self.outbox)) or 0

    def verdict(self, acknowledged: Mapping[tuple[str, UUID], int]) -> Verdict:
        """The sum over all consumers."""
        return sum((judge(acknowledged, self._versions(table)) for table in self.effects), Verdict())

    def _versions(self, table: Table) -> Versions:
        columns = table.c
        query = select(columns.aggregate, columns.aggregate_id, columns.version).order_by(columns.position)
        found: dict[tuple[str, UUID], list[int]] = defaultdict(list)
        with self.engine.connect() as connection:
            for aggregate, id, version in connection.execute(query):
                found[aggregate, _uuid(id)].append(version)
        return found


def _uuid(id: UUID | bytes | str) -> UUID:
    """However a database keeps ids."""
    if isinstance(id, UUID):
        return id
    return UUID(bytes=id) if isinstance(id, bytes) else UUID(id)
