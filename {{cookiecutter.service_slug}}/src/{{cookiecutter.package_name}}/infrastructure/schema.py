{% from "slots.jinja" import slot with context -%}
"""The schema of the database: the service's tables, and the migrations that create them and those of the chassis."""

from pathlib import Path
from typing import TYPE_CHECKING

from chassis.database import Branch, {{ cookiecutter.database }}
{{ slot("schema/imports") }}
if TYPE_CHECKING:
    from chassis.database.migrations import Migrations, MigrationTarget
    from sqlalchemy import MetaData


def _folder() -> Path:
    """The service's migrations: where the process runs, as in a container, or beside the source."""
    folders = (Path.cwd(), Path(__file__).parents[3])
    return next((folder for folder in folders if (folder / "migrations/env.py").is_file()), folders[0]) / "migrations"


BRANCHES = (
    Branch("service", _folder() / "versions", frozenset()),
    {{ cookiecutter.database }}.MIGRATIONS,
{{ slot("schema/branches") }})


# Imported when they are called, because requests need neither SQLAlchemy nor alembic.
def create_metadata() -> "MetaData":
    """The tables of every aggregate, as migrations should leave them."""
    from sqlalchemy import MetaData

    from .{{ cookiecutter.__entities }} import tables as {{ cookiecutter.__entity }}_tables

    metadata = MetaData()
    for table in ({{ cookiecutter.__entity }}_tables.{{ cookiecutter.__entities }},):
        table.to_metadata(metadata)
    return metadata


def create_target(settings: {{ cookiecutter.database }}.DatabaseSettings | None = None) -> "MigrationTarget":
    """The database that is migrated; the one of the environment if no settings are given."""
    from chassis.database.{{ cookiecutter.database }}.engine import MigrationTarget

    return MigrationTarget(settings or {{ cookiecutter.database }}.DatabaseSettings())


def create_migrations(settings: {{ cookiecutter.database }}.DatabaseSettings) -> "Migrations":
    """What `migrate` runs."""
    from chassis.database.migrations import Migrations

    return Migrations(create_target(settings), BRANCHES, create_metadata())
