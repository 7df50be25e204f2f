"""Forgotten migrations are noticed without a server: the same tests for each dialect."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from chassis.testing.schema import check_schema, compare_schema

FIRST = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None

def upgrade():
    op.create_table(
        "parcels",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("customer", sa.String(36), sa.ForeignKey("customers.id", name="parcels_customer")),
        sa.CheckConstraint("status IN ('created', 'confirmed')", name="parcels_status"),
        sa.UniqueConstraint("customer", "status", name="parcels_once"),
    )
    op.create_index("parcels_by_status", "parcels", ["status", "id"])
"""
SECOND = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"

def upgrade():
{steps}
"""
STATUS = "status IN ('created', 'confirmed', 'shipped')"


def revise(folder: Path, *steps: str) -> None:
    """Add a revision."""
    (folder / "0002.py").write_text(SECOND.format(steps="\n".join(f"    {step}" for step in steps)))


def tables(*columns: sa.Column[str], status: str = "status IN ('created', 'confirmed')") -> sa.MetaData:
    """The tables of a service."""
    metadata = sa.MetaData()
    sa.Table(
        "parcels",
        metadata,
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("customer", sa.String(36), sa.ForeignKey("customers.id", name="parcels_customer")),
        *columns,
        sa.CheckConstraint(status, name="parcels_status"),
        sa.UniqueConstraint("customer", "status", name="parcels_once"),
        sa.Index("parcels_by_status", "status", "id"),
    )
    return metadata


def note() -> sa.Column[str]:
    """A column of its own for each table."""
    return sa.Column("note", sa.String(64), nullable=False, server_default="")


class SchemaComparisonConformance:
    """The comparison for one dialect; a subclass names it."""

    dialect: str
    # How a revision replaces the constraint.
    replace_constraint = "op.drop_constraint and op.create_check_constraint"

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """The revisions of a service."""
        (tmp_path / "0001.py").write_text(FIRST)
        return tmp_path

    def test_agreement(self, folder: Path) -> None:
        assert check_schema([folder], self.dialect, tables()) == []

    def test_names_a_column_without_a_migration(self, folder: Path) -> None:
        with pytest.raises(AssertionError, match=re.escape("column `parcels.note` is defined")) as found:
            check_schema([folder], self.dialect, tables(note()))
        assert "add a revision with op.add_column" in str(found.value)

    def test_names_a_state_that_the_check_constraint_does_not_know(self, folder: Path) -> None:
        with pytest.raises(AssertionError, match=re.escape("CHECK constraint `parcels.parcels_status` is")) as found:
            check_schema([folder], self.dialect, tables(status=STATUS))
        assert "'shipped'" in str(found.value)
        assert f"add a revision with {self.replace_constraint}; autogenerate" in str(found.value)

    def test_follows_batches(self, folder: Path) -> None:
        revise(
            folder,
            'with op.batch_alter_table("parcels") as batch:',
            '    batch.add_column(sa.Column("note", sa.String(64), nullable=False, server_default=""))',
            '    batch.drop_constraint("parcels_status", type_="check")',
            f'    batch.create_check_constraint("parcels_status", "{STATUS}")',
        )
        check_schema([folder], self.dialect, tables(note(), status=STATUS))

    @pytest.mark.parametrize(
        ("step", "difference"),
        [
            ('op.drop_index("parcels_by_status", "parcels")', "index `parcels.parcels_by_status` is defined"),
            ('op.drop_constraint("parcels_once", "parcels")', "unique constraint `parcels.parcels_once` is defined"),
            ('op.drop_constraint("parcels_customer", "parcels")', "foreign key `parcels.parcels_customer` is defined"),
            ('op.drop_column("parcels", "customer")', "column `parcels.customer` is defined"),
            ('op.alter_column("parcels", "customer", new_column_name="client")', "column `parcels.client` is left by"),
            ('op.rename_table("parcels", "boxes")', "table `boxes` is left by the migrations"),
            ('op.drop_table("parcels")', "table `parcels` is defined but no migration creates it"),
            ('op.alter_column("parcels", "status", nullable=True)', "column `parcels.status` is"),
            ('op.create_index("more", "parcels", ["id"])', "index `parcels.more` is left by the migrations"),
        ],
    )
    def test_names_every_kind_of_difference(self, folder: Path, step: str, difference: str) -> None:
        revise(folder, step)
        found = compare_schema([folder], self.dialect, tables())
        assert any(each.startswith(difference) for each in found.differences), found.differences

    def test_lists_raw_sql_as_unchecked(self, folder: Path) -> None:
        revise(
            folder,
            "op.execute(\"UPDATE parcels SET status = 'created'\")",
            'op.get_bind().execute(sa.text("SELECT 1"))',
            "with op.get_context().autocommit_block():",
            '    op.execute("VACUUM")',
        )
        assert check_schema([folder], self.dialect, tables()) == [
            "UPDATE parcels SET status = 'created'",
            "SELECT 1",
            "VACUUM",
        ]


class InPlaceConformance(SchemaComparisonConformance):
    """The same, for a dialect that alters tables in place."""

    def test_follows_later_revisions(self, folder: Path) -> None:
        revise(
            folder,
            'op.add_column("parcels", sa.Column("note", sa.String(32)))',
            'op.alter_column("parcels", "note", type_=sa.String(64), nullable=False, server_default="")',
            'op.drop_constraint("parcels_status", "parcels", type_="check")',
            f'op.create_check_constraint("parcels_status", "parcels", "{STATUS}")',
        )
        check_schema([folder], self.dialect, tables(note(), status=STATUS))
