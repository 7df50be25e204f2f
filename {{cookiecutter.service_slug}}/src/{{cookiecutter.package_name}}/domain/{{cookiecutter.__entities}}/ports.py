"""What the use cases and the API need of storage; adapters in `infrastructure` implement it."""

from typing import Protocol
from uuid import UUID

from chassis.domain import Page, Transaction

from .model import {{ cookiecutter.__Entity }}
from .values import Status


class {{ cookiecutter.__Entity }}Repository(Protocol):
    """The {{ cookiecutter.__nouns }} within one transaction."""

    async def add(self, new: {{ cookiecutter.__Entity }}) -> None:
        """Store a new one."""
        ...

    async def get(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Load one to change it. Raises NotFound."""
        ...

    async def save(self, changed: {{ cookiecutter.__Entity }}) -> None:
        """Store a changed one. Raises VersionConflict if another transaction was faster."""
        ...


class {{ cookiecutter.__Entity }}Store(Protocol):
    """Reads {{ cookiecutter.__nouns }}, and binds a repository to a transaction."""

    def within(self, transaction: Transaction) -> {{ cookiecutter.__Entity }}Repository:
        """The repository within a transaction."""
        ...

    async def find(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Read one. Raises NotFound, Unavailable."""
        ...

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Page[{{ cookiecutter.__Entity }}]:
        """The newest first, those after a given id. Raises Unavailable."""
        ...
