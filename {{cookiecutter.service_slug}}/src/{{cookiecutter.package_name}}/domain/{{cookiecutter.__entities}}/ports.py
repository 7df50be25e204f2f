"""What the use cases and the API need of storage; adapters in `infrastructure` implement it."""

from typing import Protocol
from uuid import UUID

from chassis.domain import Page, Repository, Store

from .model import {{ cookiecutter.__Entity }}
from .values import Status

# The {{ cookiecutter.__nouns }} within one transaction.
{{ cookiecutter.__Entity }}Repository = Repository[{{ cookiecutter.__Entity }}]


class {{ cookiecutter.__Entity }}Store(Store[{{ cookiecutter.__Entity }}], Protocol):
    """Reads {{ cookiecutter.__nouns }}, and binds a repository to a transaction."""

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Page[{{ cookiecutter.__Entity }}]:
        """The newest first, those after a given id. Raises Unavailable."""
        ...
