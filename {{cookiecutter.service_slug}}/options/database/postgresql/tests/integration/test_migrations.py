"""What only PostgreSQL can do while it migrates: build an index without stopping anybody."""

import asyncio
import shutil
from pathlib import Path

import pytest
from sqlalchemy import inspect

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.infrastructure.database import migrations
from {{ cookiecutter.package_name }}.infrastructure.database.engine import create_migration_engine

TABLE = "{{ cookiecutter.__entities }}"
CONCURRENTLY = f'''
from alembic import op

revision = "concurrently"
down_revision = "{migrations.revisions()[-1]}"


def upgrade():
    with op.get_context().autocommit_block():
        op.create_index("by_reference", "{TABLE}", ["reference"], postgresql_concurrently=True)
'''


@pytest.fixture
def with_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's migrations and one more, where `migrate` looks for them first."""
    shutil.copytree(Path(__file__).parents[2] / "migrations", tmp_path / "migrations")
    (tmp_path / "migrations" / "versions" / "concurrently.py").write_text(CONCURRENTLY)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("with_another")
async def test_an_index_is_built_concurrently_while_others_wait_to_migrate(
    database_settings: DatabaseSettings,
) -> None:
    """CREATE INDEX CONCURRENTLY waits for every open transaction, so those who wait for the lock must not have one."""
    await asyncio.gather(*(asyncio.to_thread(migrations.upgrade, database_settings) for _ in range(4)))
    with create_migration_engine(database_settings).connect() as connection:
        indexes = {index["name"] for index in inspect(connection).get_indexes(TABLE)}
        assert migrations.current_revision(connection) == "concurrently"
    assert "by_reference" in indexes
