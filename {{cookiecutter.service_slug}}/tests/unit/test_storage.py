"""Storage without a server: nothing that it has to know was forgotten."""

from pathlib import Path

from chassis.testing import {{ cookiecutter.database }}
from chassis.testing.fields import check_fields_are_stored
from chassis.testing.schema import check_schema, check_tables_are_listed

from {{ cookiecutter.package_name }}.infrastructure import schema
from {{ cookiecutter.package_name }}.infrastructure.{{ cookiecutter.__entities }}.repositories import (
    Sql{{ cookiecutter.__Entities }},
)

from tests.support.{{ cookiecutter.__entities }} import (
    {{ cookiecutter.__Entity }}PagesSuite,
    {{ cookiecutter.__Entity }}StorageSuite,
    change_every_field,
    new_{{ cookiecutter.__entity }},
)

MIGRATIONS = Path(__file__).parents[2] / "migrations" / "versions"


class TestInMemory({{ cookiecutter.__Entity }}StorageSuite):
    """What the first look and the other tests store."""


class TestPagesInMemory({{ cookiecutter.__Entity }}PagesSuite):
    """Lists of it."""


async def test_no_statement_forgets_a_field() -> None:
    await check_fields_are_stored(
        Sql{{ cookiecutter.__Entities }},
        new_{{ cookiecutter.__entity }}(),
        change_every_field,
        table={{ cookiecutter.database }}.recorded_table(),
    )


def test_every_table_is_listed() -> None:
    check_tables_are_listed("{{ cookiecutter.package_name }}.infrastructure", schema.create_metadata())


def test_migrations_lead_to_the_tables() -> None:
    check_schema([MIGRATIONS], "{{ cookiecutter.database }}", schema.create_metadata())
