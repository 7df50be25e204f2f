"""Use cases of {{ cookiecutter.__nouns }}: one class per verb, called with the repository of a transaction."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypedDict, Unpack
from uuid import UUID

from chassis.domain import Clock, NewId

from .model import {{ cookiecutter.__Entity }}
from .ports import {{ cookiecutter.__Entity }}Repository
from .values import Quantity, Reference


@dataclass(frozen=True, slots=True)
class Create{{ cookiecutter.__Entity }}:
    """Create {{ cookiecutter.__a_noun }}. Raises InvalidValue."""

    new_id: NewId
    now: Clock

    async def __call__(
        self,
        repository: {{ cookiecutter.__Entity }}Repository,
        *,
        reference: str,
        quantity: int,
    ) -> {{ cookiecutter.__Entity }}:
        created = {{ cookiecutter.__Entity }}.create(
            id=self.new_id(),
            reference=Reference(reference),
            quantity=Quantity(quantity),
            at=self.now(),
        )
        await repository.add(created)
        return created


class {{ cookiecutter.__Entity }}Changes(TypedDict, total=False):
    """What an amendment names. A field that is left out keeps its value; None clears an optional one."""

    reference: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Amend{{ cookiecutter.__Entity }}:
    """Change details before it is confirmed. Raises NotFound, VersionConflict, InvalidTransition, InvalidValue."""

    now: Clock

    async def __call__(
        self,
        repository: {{ cookiecutter.__Entity }}Repository,
        id: UUID,
        expected: Collection[int] | None,
        **changes: Unpack[{{ cookiecutter.__Entity }}Changes],
    ) -> {{ cookiecutter.__Entity }}:
        amended = await repository.get(id)
        amended.require_version(expected)
        amended.amend(
            reference=Reference(changes["reference"]) if "reference" in changes else amended.reference,
            quantity=Quantity(changes["quantity"]) if "quantity" in changes else amended.quantity,
            at=self.now(),
        )
        await repository.save(amended)
        return amended


@dataclass(frozen=True, slots=True)
class Confirm{{ cookiecutter.__Entity }}:
    """Make it binding. Raises NotFound, VersionConflict, InvalidTransition."""

    now: Clock

    async def __call__(
        self,
        repository: {{ cookiecutter.__Entity }}Repository,
        id: UUID,
        expected: Collection[int] | None,
    ) -> {{ cookiecutter.__Entity }}:
        confirmed = await repository.get(id)
        confirmed.require_version(expected)
        confirmed.confirm(at=self.now())
        await repository.save(confirmed)
        return confirmed


@dataclass(frozen=True, slots=True)
class Cancel{{ cookiecutter.__Entity }}:
    """Cancel it, before or after it was confirmed. Raises NotFound, VersionConflict, InvalidTransition."""

    now: Clock

    async def __call__(
        self,
        repository: {{ cookiecutter.__Entity }}Repository,
        id: UUID,
        expected: Collection[int] | None,
    ) -> {{ cookiecutter.__Entity }}:
        cancelled = await repository.get(id)
        cancelled.require_version(expected)
        cancelled.cancel(at=self.now())
        await repository.save(cancelled)
        return cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class {{ cookiecutter.__Entity }}UseCases:
    """All of them, ready to be called."""

    create: Create{{ cookiecutter.__Entity }}
    amend: Amend{{ cookiecutter.__Entity }}
    confirm: Confirm{{ cookiecutter.__Entity }}
    cancel: Cancel{{ cookiecutter.__Entity }}
