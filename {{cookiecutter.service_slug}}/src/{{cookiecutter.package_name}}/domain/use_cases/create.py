"""Take on a new {{ cookiecutter.__noun }}."""

from dataclasses import dataclass

from ..model import {{ cookiecutter.__Entity }}
from ..ports import Clock, NewId, UnitOfWork
from ..values import Quantity, Reference


@dataclass(frozen=True, slots=True)
class Create:
    """Raises InvalidValue."""

    new_id: NewId
    now: Clock

    async def __call__(self, work: UnitOfWork, reference: str, quantity: int) -> {{ cookiecutter.__Entity }}:
        created = {{ cookiecutter.__Entity }}.create(
            self.new_id(),
            Reference(reference),
            Quantity(quantity),
            self.now(),
        )
        await work.{{ cookiecutter.__entities }}.add(created)
        return created
