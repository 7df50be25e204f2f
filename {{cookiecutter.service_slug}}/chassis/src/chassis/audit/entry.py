"""An entry of the audit log, and its line in the log of the process."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

import structlog

from ..caller import current_caller
from ..domain import DomainEvent
from ..identity import new_id, utc_now

OUTCOMES = (DONE, REFUSED) = ("done", "refused")
# Longer texts are cut: each comes from a client, directly or by a token, and has a column of this size.
MAX_ACTOR = 255
MAX_NAME = 128
MAX_CORRELATION_ID = 128

_log = structlog.stdlib.get_logger("audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that was done, or refused.

    Args:
        id: a UUIDv7.
        recorded_at: when, in UTC.
        actor: who: the subject of the caller, or `anonymous`.
        client_id: with which application; None if unknown.
        address: from where; None for work without a request, such as that of a message.
        action: what was done, such as `paid`; for a refusal the name of the operation, such as `pay_invoice`.
        entity_kind: to what kind of entity, such as `invoice`; None if unknown.
        entity_id: to which one; None if unknown.
        entity_version: of the entity after it was changed, or when it was refused; None if unknown.
        outcome: `done` or `refused`.
        reason: why it was refused, in a fixed word such as `invalid-transition`; None if it was done.
        correlation_id: of the request or message; None outside of one.
    """

    id: UUID
    recorded_at: datetime
    actor: str
    client_id: str | None
    address: str | None
    action: str
    entity_kind: str | None
    entity_id: str | None
    entity_version: int | None
    outcome: str
    reason: str | None
    correlation_id: str | None

    @classmethod
    def done(cls, event: DomainEvent) -> Self:
        """A change by the present caller, as its event describes it."""
        return cls._now(event.action, event.aggregate, str(event.id), event.version, DONE, None)

    @classmethod
    def refused(
        cls, action: str, reason: str, entity_kind: str | None, entity_id: str | None, entity_version: int | None
    ) -> Self:
        """A refusal to the present caller; see the class for the arguments."""
        return cls._now(action, entity_kind, entity_id, entity_version, REFUSED, reason)

    @classmethod
    def _now(
        cls, action: str, kind: str | None, id: str | None, version: int | None, outcome: str, reason: str | None
    ) -> Self:
        caller = current_caller()
        return cls(
            id=new_id(),
            recorded_at=utc_now(),
            actor=storable(caller.actor, MAX_ACTOR),
            client_id=_optional(caller.client_id, MAX_ACTOR),
            address=_optional(caller.address, MAX_NAME),
            action=storable(action, MAX_NAME),
            entity_kind=_optional(kind, MAX_NAME),
            entity_id=_optional(id, MAX_NAME),
            entity_version=version,
            outcome=outcome,
            reason=_optional(reason, MAX_NAME),
            correlation_id=_optional(structlog.contextvars.get_contextvars().get("correlation_id"), MAX_CORRELATION_ID),
        )

    def log(self, *, stored: bool = True) -> None:
        """Log it, without the address, which is personal data; the line has its correlation id anyway.

        Args:
            stored: whether it is in the table too.
        """
        log = _log if self.client_id is None else _log.bind(client_id=self.client_id)
        fields = {
            "entity_kind": self.entity_kind,
            "entity_id": self.entity_id,
            "entity_version": self.entity_version,
            "reason": self.reason,
        }
        known = {name: value for name, value in fields.items() if value is not None}
        log.info(
            "audit",
            entry_id=str(self.id),
            actor=self.actor,
            action=self.action,
            outcome=self.outcome,
            stored=stored,
            **known,
        )


def storable(text: str, limit: int) -> str:
    """A text that every database can store: cut to a number of characters, and without what is no text."""
    if len(text) > limit:
        text = text[:limit]
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def _optional(text: str | None, limit: int) -> str | None:
    return None if text is None else storable(text, limit)
