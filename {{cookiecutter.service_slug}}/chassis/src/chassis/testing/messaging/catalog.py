"""What a service's unit tests check about its events."""

from collections.abc import Iterable

from ...domain import DomainEvent
from ...messaging.contracts.catalog import EventCatalog


def assert_catalog_is_complete(
    catalog: EventCatalog,
    *,
    events: Iterable[type[DomainEvent]],
    history: Iterable[str],
) -> None:
    """Fail, naming the remedy, unless each event has a schema with examples and is read by the history.

    Args:
        catalog: the event types of the service.
        events: base classes of the events of each aggregate, such as `InvoiceEvent`; what derives from them is
            checked.
        history: names of the event types that the history handles.
    """
    problems = catalog.problems(concrete_events(events), [history])
    if problems:
        raise AssertionError("\n".join(problems))


def concrete_events(bases: Iterable[type[DomainEvent]]) -> list[type[DomainEvent]]:
    """Every event class below these, and among these, that has an action of its own."""
    found: dict[tuple[str, str], type[DomainEvent]] = {}
    pending = list(bases)
    while pending:
        event = pending.pop(0)
        if "action" in vars(event):
            # `dataclass(slots=True)` makes a second class of the same name; the first one may still exist.
            found[event.__module__, event.__qualname__] = event
        pending += event.__subclasses__()
    return list(found.values())
