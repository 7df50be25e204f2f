"""The service's migrations beside those of the chassis, on a real database."""

import asyncio
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from chassis.database.migrations import Migrations, current_revisions
from chassis.testing.migrations import check_stairway
from sqlalchemy import Engine, inspect

ROOT = Path(__file__).parents[2]
OWN = """
from alembic import op

revision = "next"
down_revision = "{head}"


def upgrade():
    op.create_index("by_reference", "{{ cookiecutter.__entities }}", ["reference"])


def downgrade():
    op.drop_index("by_reference", "{{ cookiecutter.__entities }}")
"""


def test_every_migration_can_be_undone(migrations: Callable[[str], Migrations], empty_database_url: str) -> None:
    check_stairway(migrations(empty_database_url))


def test_autogenerate_proposes_nothing(migrations: Callable[[str], Migrations], database_url: str) -> None:
    """The tables agree with their definitions, and those of the chassis are left alone."""
    migrations(database_url).check()


async def test_many_processes_may_migrate_at_once(
    migrations: Callable[[str], Migrations], empty_database_url: str
) -> None:
    upgrades = (asyncio.to_thread(migrations(empty_database_url).upgrade) for _ in range(5))
    await asyncio.gather(*upgrades)
    migrations(empty_database_url).check()


async def test_a_revision_of_the_team_stands_beside_the_branches_of_the_chassis(
    engine: Callable[[str], Engine],
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = {path.stem.partition("_")[0] for path in (ROOT / "migrations" / "versions").glob("*.py")}
    with engine(database_url).connect() as connection:
        before = {*current_revisions(connection)}
    (head,) = before & own
    assert len(before) > 1
    copy = shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    (copy / "versions" / "next.py").write_text(OWN.format(head=head))
    command = [sys.executable, "-m", "{{ cookiecutter.package_name }}", "migrate"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0
    with engine(database_url).connect() as connection:
        assert {*current_revisions(connection)} == before - {head} | {"next"}
        indexes = inspect(connection).get_indexes("{{ cookiecutter.__entities }}")
    assert "by_reference" in {index["name"] for index in indexes}
