"""Change the details of {{ cookiecutter.__a_noun }} that is not binding yet."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from ..model import {{ cookiecutter.__Entity }}
from ..ports import Clock, UnitOfWork
from ..values import Quantity, Reference


@dataclass(frozen=True, slots=True)
class Amend:
    """Raises NotFound, VersionConflict, InvalidTransition, InvalidValue."""

    now: Clock

    async def __call__(
        self,
        work: UnitOfWork,
        id: UUID,
        expected: Collection[int] | None,
        reference: str | None = None,
        quantity: int | None = None,
    ) -> {{ cookiecutter.__Entity }}:
        amended = await work.{{ cookiecutter.__entities }}.get(id)
        amended.require_version(expected)
        amended.amend(
            reference=None if reference is None else Reference(reference),
            quantity=None if quantity is None else Quantity(quantity),
            at=self.now(),
        )
        await work.{{ cookiecutter.__entities }}.save(amended)
        return amended
