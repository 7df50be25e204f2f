"""What a database holds, in a form in which two can be compared."""

import re
from typing import Any

from sqlalchemy import inspect, text

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.infrastructure.database.engine import create_migration_engine

Tables = dict[str, list[tuple[Any, ...]]]


def rows(settings: DatabaseSettings) -> Tables:
    """Everything in every table, the schema's revision included."""
    with create_migration_engine(settings).connect() as connection:
        names = sorted(inspect(connection).get_table_names())
        found = {name: connection.execute(text(f"SELECT * FROM {name}")).all() for name in names}  # noqa: S608
        return {name: sorted(map(tuple, table), key=repr) for name, table in found.items()}


def schema(settings: DatabaseSettings) -> dict[str, list[str]]:
    """Columns, keys, indexes and constraints of every table."""
    with create_migration_engine(settings).connect() as connection:
        found = inspect(connection)
        parts = (found.get_columns, found.get_indexes, found.get_check_constraints, found.get_unique_constraints)
        return {
            name: [_plain(repr(each)) for each in (found.get_pk_constraint(name), *(part(name) for part in parts))]
            for name in found.get_table_names()
        }


def _plain(definition: str) -> str:
    """Without casts and brackets: a server that reads a condition again may write them in another way."""
    return re.sub(r"::[a-z]+( varying)?|[()\[\] ]", "", definition)
