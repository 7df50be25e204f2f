"""Migrations and tables are compared without a server."""

from pathlib import Path

from chassis.database.mysql import MIGRATIONS
from chassis.database.mysql import tables as chassis_tables
from chassis.testing.schema import check_schema
from tests.sample.storage.mysql import tables
from tests.support.schemas import InPlaceConformance


class TestSchemaComparison(InPlaceConformance):
    """Everything that it notices."""

    dialect = "mysql"


def test_the_migrations_lead_to_the_tables() -> None:
    assert check_schema([Path(tables.__file__).parent / "migrations"], "mysql", tables.metadata) == []
    assert check_schema([MIGRATIONS.folder], "mysql", chassis_tables.metadata) == []
