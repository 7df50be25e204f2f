"""Checks of a service's events, for its unit tests."""

from collections.abc import Iterable

from ...domain import DomainEvent
from ...messaging.contracts.catalog import EventCatalog
from ..events import concrete_events


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
