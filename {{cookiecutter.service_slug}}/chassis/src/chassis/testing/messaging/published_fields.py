"""Notices a field of an event that its message leaves out, or that the tests of a service never set."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from pydantic import BaseModel

from ...domain import DomainEvent
from ...messaging.contracts.catalog import EventCatalog, EventSchema

# The envelope carries them.
ENVELOPE = frozenset(each.name for each in fields(DomainEvent))


def assert_fields_are_published(
    catalog: EventCatalog,
    happened: Iterable[DomainEvent],
    *,
    unpublished: Collection[str] = (),
) -> None:
    """Fail, naming the remedy, unless messages carry every field of the events.

    Each field of an event has to be one of its `data` model, in the newest major version, and each field of that model
    has to be set by at least one of the events: an optional field that is never set could be left out unnoticed.

    Args:
        catalog: the event types of the service.
        happened: events of every type, with every field set at least once.
        unpublished: fields that readers must not see, or see under another name, such as `InvoicePaid.card`.
    """
    events: dict[type[DomainEvent], list[DomainEvent]] = defaultdict(list)
    for event in happened:
        events[type(event)].append(event)
    newest = {each.schema.event: each.schema for each in sorted(catalog.types, key=lambda each: each.schema.major)}
    problems = [problem for schema in newest.values() for problem in _not_in_data(schema, unpublished)]
    for each in catalog.types:
        problems += _never_set(each.schema, events[each.schema.event])
    problems += _unknown(newest, unpublished)
    assert not problems, "\n".join(["fields of events are not published:", *(f"- {each}" for each in problems)])


def _not_in_data(schema: EventSchema, unpublished: Collection[str]) -> Iterator[str]:
    for name in _own_fields(schema.event):
        field = f"{schema.event.__name__}.{name}"
        if name not in _names(schema.data) and field not in unpublished:
            yield f'{field} is not in {schema.data.__name__}: add it, or list "{field}" in `unpublished`'


def _never_set(schema: EventSchema, events: Collection[DomainEvent]) -> Iterator[str]:
    """An event that does not happen at all is the subject of another check."""
    filled = [schema.fill(event) for event in events]
    for name, keys in _keys(schema.data).items() if filled else ():
        if any(data.get(key) is not None for data in filled for key in keys):
            continue
        field = f"{schema.event.__name__}.{name}"
        if any(getattr(event, name, None) is not None for event in events):
            yield f"{field} is set, but the function that fills {schema.data.__name__} leaves it out: add it there"
        else:
            yield f"{field} is never set: let {schema.event.__name__} happen with `{name}` in the tests"


def _unknown(newest: Mapping[type[DomainEvent], Any], unpublished: Collection[str]) -> Iterator[str]:
    """A field that was renamed must not stay listed under its old name."""
    known = {f"{event.__name__}.{name}" for event in newest for name in _own_fields(event)}
    for field in sorted({*unpublished} - known):
        yield f"{field} is listed in `unpublished`, but no event has that field: remove it there"


def _own_fields(event: type[DomainEvent]) -> list[str]:
    return [each.name for each in fields(event) if each.name not in ENVELOPE]


def _keys(data: type[BaseModel]) -> Mapping[str, set[str]]:
    """The names under which messages carry each field."""
    return {
        name: {key for key in (name, field.alias, field.serialization_alias) if key}
        for name, field in data.model_fields.items()
    }


def _names(data: type[BaseModel]) -> set[str]:
    return set().union(*_keys(data).values())
