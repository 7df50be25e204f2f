"""Make {{ cookiecutter.__a_noun }} binding."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from ..model import {{ cookiecutter.__Entity }}
from ..ports import Clock, UnitOfWork


@dataclass(frozen=True, slots=True)
class Confirm:
    """Raises NotFound, VersionConflict, InvalidTransition."""

    now: Clock

    async def __call__(
        self,
        work: UnitOfWork,
        id: UUID,
        expected: Collection[int] | None,
    ) -> {{ cookiecutter.__Entity }}:
        confirmed = await work.{{ cookiecutter.__entities }}.get(id)
        confirmed.require_version(expected)
        confirmed.confirm(self.now())
        await work.{{ cookiecutter.__entities }}.save(confirmed)
        return confirmed
