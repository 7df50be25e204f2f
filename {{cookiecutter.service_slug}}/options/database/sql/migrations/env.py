"""Runs migrations on a connection that the caller hands over, or on the one that DATABASE_URL names."""

from alembic import context
from sqlalchemy import Connection

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.infrastructure.database.engine import (
    RENDER_AS_BATCH,
    create_migration_engine,
    guarded,
)
{%- if cookiecutter.broker != "none" %}
from {{ cookiecutter.package_name }}.infrastructure.database.message_schema import metadata
{%- else %}
from {{ cookiecutter.package_name }}.infrastructure.database.schema import metadata
{%- endif %}


def run(connection: Connection) -> None:
    """Run what was asked for, in one transaction where the database can."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_server_default=True,
        render_as_batch=RENDER_AS_BATCH,
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with create_migration_engine(DatabaseSettings()).connect() as connection, guarded(connection):
        run(connection)
