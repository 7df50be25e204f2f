"""Handlers of the events that a service consumes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from ...database.port import DatabaseTransaction
from ...domain import DomainError
from ..contracts.envelope import Envelope


class OutOfOrderEvent(DomainError):
    """An event arrived before the one that precedes it; it can be handled after that one."""

    def __init__(self, version: int, last: int) -> None:
        super().__init__(f"version {version} arrived while the last known version is {last}")


@dataclass(frozen=True, slots=True)
class HandlerContext:
    """The context of a handler.

    Args:
        transaction: in which the message is marked as processed; repositories bind to it.
    """

    transaction: DatabaseTransaction


@dataclass(frozen=True, slots=True)
class EventHandler:
    """Handles one type of event.

    Args:
        major: version of its schema that is understood.
        data: what the message's `data` must hold; other fields are ignored.
        handle: has the effect, and touches nothing but the transaction. Raises OutOfOrderEvent for an event whose
            predecessor is missing, InvalidEnvelope for one that lacks what the handler needs.
    """

    major: int
    data: type[BaseModel]
    handle: Callable[[HandlerContext, Envelope], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ignored:
    """Declares events that a consumer receives and does not handle, on purpose."""


IGNORED = Ignored()
# Event type -> handler. `billing-service.invoice.*` stands for every other type of that channel.
#
# A type that is missing here is not ignored: the release that handles it may be running beside this one and share its
# queue, so this one hands the message back.
Handlers = Mapping[str, EventHandler | Ignored]
# Consumer name -> its handlers. The name is also that of its queue, group or durable consumer.
Subscriptions = Mapping[str, Handlers]


def handled(handlers: Handlers) -> Mapping[str, EventHandler]:
    """The types that are handled, without those that are ignored."""
    return {type: handler for type, handler in handlers.items() if not isinstance(handler, Ignored)}
