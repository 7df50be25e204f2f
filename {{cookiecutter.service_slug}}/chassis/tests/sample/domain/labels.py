"""Label: a second aggregate, as small as one can be. It shows what is counted, routed and stored per aggregate."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol, Self
from uuid import UUID

from chassis.domain import Aggregate, DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelEvent(DomainEvent):
    """A change to a label."""

    aggregate: ClassVar[str] = "shipping-label"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPrinted(LabelEvent):
    """A label was printed."""

    action: ClassVar[str] = "printed"

    text: str


EVENTS: tuple[type[LabelEvent], ...] = (LabelPrinted,)


@dataclass(slots=True, kw_only=True)
class Label(Aggregate[LabelEvent]):
    """Text on paper."""

    noun: ClassVar[str] = "shipping label"

    text: str

    @classmethod
    def print(cls, *, id: UUID, text: str, at: datetime) -> Self:
        """A new label at version 1."""
        printed = cls(id=id, version=1, created_at=at, updated_at=at, text=text)
        printed.record(LabelPrinted(id=id, version=1, occurred_at=at, text=text))
        return printed

    def apply(self, event: LabelEvent) -> None:
        """Change the state as an event describes."""
        if isinstance(event, LabelPrinted):
            self.text = event.text


class Labels(Protocol):
    """The labels within one transaction; they are only ever added."""

    async def add(self, new: Label) -> None:
        """Store a new one."""
        ...
