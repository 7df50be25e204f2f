"""The real database keeps every promise of the contract, and those that only a real one can break."""

import asyncio

import httpx2
from sqlalchemy import text

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.infrastructure.database import migrations
from {{ cookiecutter.package_name }}.infrastructure.database.engine import create_migration_engine

from ..persistence import PersistenceContract
from ..unit.test_api import DRAFT, URL


class TestRealDatabase(PersistenceContract):
    """Everything that an adapter has to do."""


def test_every_migration_goes_up_down_and_up_again(empty_database_settings: DatabaseSettings) -> None:
    for revision in migrations.revisions():
        migrations.upgrade(empty_database_settings, revision)
        migrations.downgrade(empty_database_settings, "-1")
        migrations.upgrade(empty_database_settings, revision)


def test_migrations_and_schema_agree(database_settings: DatabaseSettings) -> None:
    migrations.check(database_settings)


async def test_many_may_migrate_at_once(empty_database_settings: DatabaseSettings) -> None:
    await asyncio.gather(*(asyncio.to_thread(migrations.upgrade, empty_database_settings) for _ in range(10)))
    migrations.check(empty_database_settings)


def test_an_older_release_leaves_a_newer_schema_alone(database_settings: DatabaseSettings) -> None:
    with create_migration_engine(database_settings).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    migrations.upgrade(database_settings)
    with create_migration_engine(database_settings).connect() as connection:
        assert migrations.current_revision(connection) == "9999"


async def test_concurrent_twins_have_one_effect(client: httpx2.AsyncClient) -> None:
    headers = {"idempotency-key": "twins"}
    answers = await asyncio.gather(*(client.post(URL, json=DRAFT, headers=headers) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert len((await client.get(URL)).json()["items"]) == 1


async def test_of_many_who_saw_the_same_version_one_wins(client: httpx2.AsyncClient) -> None:
    url = (await client.post(URL, json=DRAFT)).headers["location"]
    changes = [{"quantity": 100 + number} for number in range(20)]
    answers = await asyncio.gather(*(client.patch(url, json=each, headers={"if-match": '"1"'}) for each in changes))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19
    assert {answer.headers["etag"] for answer in answers} == {'"2"'}
