"""Refused commands in the audit log."""

from collections.abc import Mapping

from fastapi import Request

from ..audit.trail import AuditTrail
from ..domain import DomainError, InvalidValue
from ..errors import KeyInUse, KeyReused, Unavailable
from .problems import ProblemKind
from .routes import operation

# Nothing was decided about an entity: the request is malformed, repeated too early, or could not be handled.
_NOT_RECORDED = (InvalidValue, KeyInUse, KeyReused, Unavailable)


class CommandRefusals:
    """Records commands that the domain refuses."""

    def __init__(self, audit: AuditTrail, kinds: Mapping[type[Exception], ProblemKind]) -> None:
        """Record refused commands.

        Args:
            audit: where they are recorded.
            kinds: how errors are answered; a refusal is recorded with the name of its kind.
        """
        self._audit = audit
        self._kinds = kinds

    async def record(self, request: Request, error: DomainError) -> None:
        """Record a refusal, with the entity that the request names. An error that nobody expects is none.

        Args:
            request: the command that was refused.
            error: why.
        """
        kind = next((self._kinds[each] for each in type(error).__mro__ if each in self._kinds), None)
        if kind is None or isinstance(error, _NOT_RECORDED):
            return
        noun: str | None = getattr(error, "noun", None)
        await self._audit.refused(
            operation(request.scope),
            kind.name,
            entity_kind=noun and noun.replace(" ", "-"),
            entity_id=_entity_id(request.path_params),
            entity_version=getattr(error, "version", None),
        )


def _entity_id(parameters: Mapping[str, object]) -> str | None:
    """The route parameter `id`, or the first one; a command that creates has none."""
    value = parameters.get("id", next(iter(parameters.values()), None))
    return None if value is None else str(value)
