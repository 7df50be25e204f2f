"""Compares what was acknowledged with what the consumer has made of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, select

from {{ cookiecutter.package_name }}.infrastructure.database.message_schema import history, outbox

Recorded = Mapping[str, list[int]]


def recorded(engine: Engine) -> Recorded:
    """Versions in the history of each aggregate, in the order in which they were entered."""
    entries: dict[str, list[int]] = defaultdict(list)
    with engine.connect() as connection:
        for id, version in connection.execute(
            select(history.c.aggregate_id, history.c.version).order_by(history.c.position)
        ):
            entries[_text(id)].append(version)
    return entries


def waiting(engine: Engine) -> int:
    """How many events are in the outbox."""
    with engine.connect() as connection:
        return len(connection.execute(select(outbox.c.id)).all())


@dataclass(frozen=True)
class Verdict:
    """What became of the events that were acknowledged."""

    lost: int
    twice: int
    out_of_order: int


def judge(acknowledged: Mapping[str, int], entries: Recorded) -> Verdict:
    """Every version from 1 on, each once, each after the one before.

    Args:
        acknowledged: last version of each aggregate.
        entries: its versions in the order in which the consumer entered them.
    """
    lost = twice = out_of_order = 0
    for id, version in acknowledged.items():
        found = entries.get(id, [])
        lost += len(set(range(1, version + 1)) - set(found))
        twice += len(found) - len(set(found))
        out_of_order += found != sorted(found)
    return Verdict(lost, twice, out_of_order)


def _text(id: UUID | bytes | str) -> str:
    """However a database keeps its ids."""
    return str(UUID(bytes=id) if isinstance(id, bytes) else id)
