"""Migrations and tables are compared without a server."""

from pathlib import Path

from chassis.database.sqlite import MIGRATIONS
from chassis.database.sqlite import tables as chassis_tables
from chassis.testing.schema import check_schema
from tests.sample.storage.sqlite import tables
from tests.support.schemas import SchemaComparisonConformance


class TestSchemaComparison(SchemaComparisonConformance):
    """Everything that it notices."""

    dialect = "sqlite"


def test_the_migrations_lead_to_the_tables() -> None:
    assert check_schema([Path(tables.__file__).parent / "migrations"], "sqlite", tables.metadata) == []
    assert check_schema([MIGRATIONS.folder], "sqlite", chassis_tables.metadata) == []
