"""Call {{ cookiecutter.__a_noun }} off."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from ..model import {{ cookiecutter.__Entity }}
from ..ports import Clock, UnitOfWork


@dataclass(frozen=True, slots=True)
class Cancel:
    """Raises NotFound, VersionConflict, InvalidTransition."""

    now: Clock

    async def __call__(
        self,
        work: UnitOfWork,
        id: UUID,
        expected: Collection[int] | None,
    ) -> {{ cookiecutter.__Entity }}:
        cancelled = await work.{{ cookiecutter.__entities }}.get(id)
        cancelled.require_version(expected)
        cancelled.cancel(self.now())
        await work.{{ cookiecutter.__entities }}.save(cancelled)
        return cancelled
