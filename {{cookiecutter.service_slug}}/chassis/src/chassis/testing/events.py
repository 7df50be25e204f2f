"""Finds the events of a service, so that a forgotten registration is noticed."""

import pkgutil
from collections.abc import Iterable
from importlib import import_module

from ..domain import DomainEvent


def domain_events(package: str) -> list[type[DomainEvent]]:
    """Every event class with an action of its own in a package, such as `billing_service.domain`.

    Args:
        package: all of its modules are imported.
    """
    for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        import_module(module.name)
    return [event for event in concrete_events([DomainEvent]) if event.__module__.startswith(f"{package}.")]


def check_events_are_counted(package: str, exposition: str) -> None:
    """Raise AssertionError, with the remedy, unless the metrics of a service show every event of a package.

    Args:
        package: such as `billing_service.domain`.
        exposition: the answer of /metrics; events that have not happened yet count 0 there.
    """
    forgotten = [event for event in domain_events(package) if f"\n{_counter(event)} " not in exposition]
    assert not forgotten, "\n".join(
        f"{event.__name__} is not counted: add it to EVENTS in {event.__module__}, "
        "and EVENTS of a new aggregate to the composition root"
        for event in forgotten
    )


def _counter(event: type[DomainEvent]) -> str:
    return f'{event.aggregate.replace("-", "_")}_events_total{{action="{event.action}"}}'


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
