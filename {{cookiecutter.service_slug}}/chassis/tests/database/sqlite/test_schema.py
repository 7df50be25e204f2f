"""Migrations and tables are compared without a server."""

from pathlib import Path

import pytest

from chassis.database.sqlite import MIGRATIONS
from chassis.database.sqlite import tables as chassis_tables
from chassis.testing.schema import check_schema, compare_schema
from tests.sample.storage.sqlite import tables
from tests.support.schemas import STATUS, SchemaComparisonConformance, revise
from tests.support.schemas import tables as parcels


class TestSchemaComparison(SchemaComparisonConformance):
    """Everything that it notices."""

    dialect = "sqlite"
    replace_constraint = (
        '`with op.batch_alter_table("parcels") as batch: '
        "batch.drop_constraint(...); batch.create_check_constraint(...)`"
    )

    @pytest.mark.parametrize(
        ("operation", "arguments"),
        [
            ("drop_constraint", '"parcels_status", "parcels", type_="check"'),
            ("create_check_constraint", '"more", "parcels", "id <> status"'),
            ("create_unique_constraint", '"more", "parcels", ["status"]'),
            ("create_foreign_key", '"more", "parcels", "customers", ["status"], ["id"]'),
            ("alter_column", '"parcels", "status", nullable=True'),
        ],
    )
    def test_refuses_what_fails_outside_of_a_batch(self, folder: Path, operation: str, arguments: str) -> None:
        revise(folder, f"op.{operation}({arguments})")
        found = compare_schema([folder], self.dialect, parcels()).differences
        assert found[0] == (
            f"revision 0002 alters `parcels` by op.{operation}, which fails on this database (sqlite): "
            f'write `with op.batch_alter_table("parcels") as batch: batch.{operation}(...)`'
        )

    def test_refuses_it_after_a_batch_too(self, folder: Path) -> None:
        revise(
            folder,
            'with op.batch_alter_table("parcels") as batch:',
            '    batch.drop_constraint("parcels_status", type_="check")',
            f'op.create_check_constraint("parcels_status", "parcels", "{STATUS}")',
        )
        [found] = compare_schema([folder], self.dialect, parcels(status=STATUS)).differences
        assert "by op.create_check_constraint" in found

    def test_a_column_is_added_renamed_and_dropped_without_a_batch(self, folder: Path) -> None:
        revise(
            folder,
            'op.add_column("parcels", sa.Column("note", sa.String(32)))',
            'op.alter_column("parcels", "note", new_column_name="remark")',
            'op.drop_column("parcels", "remark")',
        )
        check_schema([folder], self.dialect, parcels())


def test_the_migrations_lead_to_the_tables() -> None:
    assert check_schema([Path(tables.__file__).parent / "migrations"], "sqlite", tables.metadata) == []
    assert check_schema([MIGRATIONS.folder], "sqlite", chassis_tables.metadata) == []
