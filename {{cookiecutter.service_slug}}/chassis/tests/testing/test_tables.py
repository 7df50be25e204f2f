"""A table that the service's metadata forgets is named with the remedy."""

import sys
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from chassis.testing.schema import check_tables_are_listed

TABLES = """
from sqlalchemy import Column, Integer, MetaData, Table

metadata = MetaData()
invoices = Table("invoices", metadata, Column("id", Integer, primary_key=True))
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with a table in a package of its own."""
    folder = tmp_path / "billing_tables" / "invoices"
    folder.mkdir(parents=True)
    for each in (folder, folder.parent):
        (each / "__init__.py").touch()
    (folder / "tables.py").write_text(TABLES)
    monkeypatch.syspath_prepend(tmp_path)
    return "billing_tables"


def test_a_listed_table_is_accepted(package: str) -> None:
    __import__(f"{package}.invoices.tables")
    check_tables_are_listed(package, sys.modules[f"{package}.invoices.tables"].metadata)


def test_a_forgotten_table_is_named(package: str) -> None:
    with pytest.raises(AssertionError, match=r"`invoices` of billing_tables.invoices.tables .* `create_metadata`"):
        check_tables_are_listed(package, MetaData())
