"""Builds {{ cookiecutter.__nouns }} for tests, and the suites for what stores them.

Arguments have names, so that a new field breaks no test that does not need it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis.database import Database
from chassis.domain import DomainEvent, Page
from chassis.identity import new_id
from chassis.testing.database import PagingConformance, RepositoryConformance

from {{ cookiecutter.package_name }}.bootstrap import Storage
from {{ cookiecutter.package_name }}.domain.{{ cookiecutter.__entities }}.model import (
    {{ cookiecutter.__Entity }},
)
from {{ cookiecutter.package_name }}.domain.{{ cookiecutter.__entities }}.values import (
    Quantity,
    Reference,
    Status,
)

NOW = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)


def new_{{ cookiecutter.__entity }}(
    *,
    id: UUID | None = None,
    reference: str = 'Größe "42" \N{SNOWMAN} \\ \' ;--',
    quantity: int = 3,
    at: datetime = NOW,
) -> {{ cookiecutter.__Entity }}:
    """A new one with every field set; its event is recorded."""
    return {{ cookiecutter.__Entity }}.create(
        id=id or new_id(),
        reference=Reference(reference),
        quantity=Quantity(quantity),
        at=at,
    )


def amend(changed: {{ cookiecutter.__Entity }}, **changes: Any) -> None:
    """Amend it; a field that is not named keeps its value."""
    present: dict[str, Any] = {
        "reference": changed.reference,
        "quantity": changed.quantity,
    }
    changed.amend(**present | changes, at=LATER)


def change_every_field(changed: {{ cookiecutter.__Entity }}) -> None:
    """Give each field that can change another value, by commands."""
    amend(changed, reference=Reference("B-2002"), quantity=Quantity(changed.quantity.value + 1))
    changed.confirm(at=LATER)


def every_event() -> Sequence[DomainEvent]:
    """A life in which everything happens, and each event once with every field."""
    changed = new_{{ cookiecutter.__entity }}()
    amend(changed, quantity=Quantity(7))
    change_every_field(changed)
    changed.cancel(at=LATER)
    return changed.take_events()


class {{ cookiecutter.__Entity }}StorageSuite(RepositoryConformance[{{ cookiecutter.__Entity }}]):
    """The promises of every storage; the fixture `storage` decides which one is tested."""

    @pytest.fixture(autouse=True)
    def use(self, storage: Storage) -> None:
        """The storage to test."""
        self.storage = storage

    def store(self, database: Database) -> Any:
        """Its adapter."""
        assert database is self.storage.database
        return self.storage.{{ cookiecutter.__entities }}

    def new(self) -> {{ cookiecutter.__Entity }}:
        """Not stored yet."""
        return new_{{ cookiecutter.__entity }}()

    def change(self, aggregate: {{ cookiecutter.__Entity }}) -> None:
        """Possible any number of times."""
        amend(aggregate, quantity=Quantity(aggregate.quantity.value % 1000 + 1))


class {{ cookiecutter.__Entity }}PagesSuite(PagingConformance[{{ cookiecutter.__Entity }}]):
    """Their lists, of all and of one status."""

    @pytest.fixture(autouse=True, params=[None, Status.CREATED], ids=["all", "by status"])
    def use(self, storage: Storage, request: pytest.FixtureRequest) -> None:
        """The storage to test."""
        self.storage = storage
        self.wanted: Status | None = request.param

    def store(self, database: Database) -> Any:
        """Its adapter."""
        assert database is self.storage.database
        return self.storage.{{ cookiecutter.__entities }}

    def new(self) -> {{ cookiecutter.__Entity }}:
        """Not stored yet."""
        return new_{{ cookiecutter.__entity }}()

    async def page(self, store: Any, after: UUID | None, limit: int) -> Sequence[{{ cookiecutter.__Entity }}]:
        """One page."""
        page: Page[{{ cookiecutter.__Entity }}] = await store.page(self.wanted, after, limit)
        return page.items
