"""The events that a service publishes, each with the schema of its data.

A new optional field is a new minor version, and readers of the older one continue to work. Every other change is a new
major version, published beside the old one while any reader needs that.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ...domain import DomainEvent


@dataclass(frozen=True, slots=True)
class EventSchema:
    """The wire format of an event.

    Args:
        event: the domain event.
        data: model of the message's `data`; each field has an example.
        fill: makes `data`, as JSON values, from the event.
        major: version of the schema; readers of another major version must not read it.
        minor: counts what was added since.
    """

    event: type[DomainEvent]
    data: type[BaseModel]
    fill: Callable[[Any], dict[str, object]]
    major: int = 1
    minor: int = 0


@dataclass(frozen=True, slots=True)
class EventType:
    """An event schema under the name of its service.

    Args:
        schema: the wire format.
        name: `<service>.<aggregate>.<action>`; from the second major version on with `-v2`, so that readers of the
            first are not affected.
        channel: `<service>.<aggregate>`, where its messages are published.
        dataschema: URN of the schema with its version (CloudEvents 1.0).
    """

    schema: EventSchema
    name: str
    channel: str
    dataschema: str

    @classmethod
    def of(cls, service_name: str, schema: EventSchema) -> "EventType":
        """The event type of a schema in a service."""
        channel = f"{service_name}.{schema.event.aggregate}"
        name = f"{channel}.{schema.event.action}" + (f"-v{schema.major}" if schema.major > 1 else "")
        return cls(schema, name, channel, f"urn:event-schema:{name}:{schema.major}.{schema.minor}")


class EventCatalog:
    """All event types of a service, whatever aggregates they belong to."""

    def __init__(self, service_name: str, schemas: Sequence[EventSchema]) -> None:
        """Raise ValueError if two schemas have the same event type.

        Args:
            service_name: of its distribution, such as `billing-service`.
            schemas: one for each event, or several with different major versions.
        """
        self.service_name = service_name
        self.source = f"/{service_name}"
        self.types = tuple(EventType.of(service_name, schema) for schema in schemas)
        if twice := [name for name, count in Counter(type.name for type in self.types).items() if count > 1]:
            raise ValueError(f"two schemas for {', '.join(twice)}: raise `major` of one of them")
        self._by_event: dict[type[DomainEvent], list[EventType]] = {}
        for each in self.types:
            self._by_event.setdefault(each.schema.event, []).append(each)

    @property
    def by_name(self) -> Mapping[str, EventType]:
        """The event types by their names."""
        return {type.name: type for type in self.types}

    def of(self, event: type[DomainEvent]) -> Sequence[EventType]:
        """The event types that an event is published as: one for each major version.

        Raises:
            LookupError: the event has no schema.
        """
        try:
            return self._by_event[event]
        except KeyError:
            raise LookupError(_no_schema(event)) from None

    def missing(self, events: Iterable[type[DomainEvent]]) -> list[type[DomainEvent]]:
        """Those of the given events that have no schema; they could not be published."""
        return [event for event in events if event not in self._by_event]

    def problems(
        self,
        events: Iterable[type[DomainEvent]] = (),
        readers: Iterable[Iterable[str]] = (),
    ) -> list[str]:
        """Forgotten steps, each with its remedy; empty if there are none. For a service's unit tests.

        Args:
            events: every event of the service's aggregates.
            readers: for each consumer that needs all events of the service, such as the history, the names of the
                event types that it handles.
        """
        found = [_no_schema(event) for event in self.missing(events)]
        for model in dict.fromkeys(type.schema.data for type in self.types):
            found += [
                f"{model.__name__}.{name} has no example: give its Field `examples=[...]`; the contracts show it"
                for name, field in model.model_fields.items()
                if not field.examples
            ]
        for names in map(set, readers):
            found += [
                f"{type.name} has no reader: add a handler for it to the subscription that handles the others"
                for type in self.types
                if type.name not in names
            ]
        return found


def _no_schema(event: type[DomainEvent]) -> str:
    return f"{event.__name__} has no schema: add EventSchema({event.__name__}, ...) to the service's event catalog"
