"""The verdict on a chaos run: what is lost, applied twice or out of order is counted."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, Uuid, create_engine

from chassis.identity import new_id
from chassis.testing.messaging.chaos import Records, Verdict
from chassis.testing.messaging.chaos.judge import judge

ID = UUID("019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01")  # the same in every process that collects tests


@pytest.mark.parametrize(
    ("recorded", "verdict"),
    [
        ([1, 2, 3], Verdict()),
        ([1, 3], Verdict(lost=1)),
        ([], Verdict(lost=3)),
        ([1, 2, 2, 3], Verdict(twice=1)),
        ([2, 1, 3], Verdict(out_of_order=1)),
        ([3, 2, 2], Verdict(lost=1, twice=1, out_of_order=1)),
    ],
)
def test_compares_acknowledged_versions_with_recorded_ones(recorded: list[int], verdict: Verdict) -> None:
    assert judge({("parcel", ID): 3}, {("parcel", ID): recorded}) == verdict


def test_events_of_changes_that_were_not_acknowledged_are_no_fault() -> None:
    assert judge({("parcel", ID): 1}, {("parcel", ID): [1, 2], ("parcel", new_id()): [1, 1]}) == Verdict()


def test_aggregates_of_different_kinds_are_told_apart_by_their_kind() -> None:
    assert judge({("parcel", ID): 1, ("label", ID): 1}, {("parcel", ID): [1]}) == Verdict(lost=1)


@pytest.mark.parametrize(("type", "id"), [(Text, str(ID)), (LargeBinary, ID.bytes), (Uuid, ID)])
def test_reads_the_effects_of_every_consumer(tmp_path: Path, type: type, id: object) -> None:
    metadata = MetaData()
    outbox = Table("outbox", metadata, Column("id", Text))
    effects = [
        Table(
            name,
            metadata,
            Column("position", Integer, primary_key=True),
            Column("aggregate", Text),
            Column("aggregate_id", type),
            Column("version", Integer),
        )
        for name in ("history", "journal")
    ]
    engine = create_engine(f"sqlite:///{tmp_path}/database.sqlite3")
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(outbox.insert().values(id="7"))
        for table, versions in zip(effects, ([1, 2], [2, 2]), strict=True):
            for version in versions:
                connection.execute(table.insert().values(aggregate="parcel", aggregate_id=id, version=version))
    records = Records(engine, outbox, effects)
    assert records.waiting() == 1
    assert records.verdict({("parcel", ID): 2}) == Verdict(lost=1, twice=1)
    engine.dispose()
