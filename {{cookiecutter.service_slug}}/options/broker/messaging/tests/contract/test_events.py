"""The committed documents of events are what the code publishes, and no change takes a reader by surprise."""

import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from chassis.domain import DomainEvent
from chassis.identity import new_id
from chassis.messaging.contracts import EventSerializer, asyncapi, json_schema
from chassis.testing.events import domain_events
from chassis.testing.messaging import (
    MessageSchemas,
    assert_catalog_is_complete,
    assert_fields_are_published,
    objections,
)

from {{ cookiecutter.package_name }} import bootstrap
from {{ cookiecutter.package_name }}.infrastructure.messages import CATALOG, HISTORY

from tests.support import {{ cookiecutter.__entities }}

CONTRACTS = Path(__file__).parents[2] / "contracts"
# CONTRACTS: the folder of another version, which readers may have been built from as well.
PUBLISHED = Path(os.environ.get("CONTRACTS", CONTRACTS))
EVENTS = domain_events("{{ cookiecutter.package_name }}.domain")
# Fields of events that other services must not see, such as "{{ cookiecutter.__Entity }}Created.reference".
UNPUBLISHED: Collection[str] = ()


def happened() -> Iterator[DomainEvent]:
    """Every event of every aggregate."""
    yield from {{ cookiecutter.__entities }}.every_event()


def parsed(folder: Path) -> dict[str, Any]:
    """The documents in a folder, by file name."""
    return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")}


def as_json(document: Any) -> Any:
    """A document as it is written."""
    return json.loads(json.dumps(document))


def test_every_event_has_a_schema_with_examples_and_a_reader() -> None:
    history = bootstrap.create_subscriptions_in_memory()[HISTORY]
    assert_catalog_is_complete(CATALOG, events=EVENTS, history=history)


def test_every_field_of_an_event_is_published() -> None:
    assert_fields_are_published(CATALOG, happened(), unpublished=UNPUBLISHED)


def test_nothing_breaks_a_reader() -> None:
    found = list(objections(parsed(PUBLISHED / "events"), as_json(json_schema.documents(CATALOG))))
    assert not found, "\n".join([*found, "", "docs/messages.md describes how events change"])


def test_the_committed_schemas_are_up_to_date() -> None:
    committed = parsed(CONTRACTS / "events")
    written = as_json(json_schema.documents(CATALOG))
    assert committed == written, "the events have changed: run `make contract`, commit it"


def test_the_committed_asyncapi_document_is_up_to_date() -> None:
    subscriptions = bootstrap.create_subscriptions_in_memory()
    described = asyncapi.document(bootstrap.SERVICE, CATALOG, subscriptions, bootstrap.PROTOCOL)
    assert parsed(CONTRACTS)["asyncapi.json"] == as_json(described), (
        "what is published or consumed has changed: run `make contract`, commit it"
    )


def test_messages_are_valid_by_the_committed_schemas() -> None:
    schemas, serialize = MessageSchemas(CONTRACTS / "events"), EventSerializer(CATALOG, new_id)
    for message in (message for event in happened() for message in serialize(event)):
        assert schemas.problems(message.body) == [], message.type


def test_every_event_happens_in_these_tests() -> None:
    missing = {*EVENTS} - {type(event) for event in happened()}
    names = ", ".join(sorted(event.__name__ for event in missing))
    assert not missing, f"let {names} happen in `every_event` of tests/support; `happened` names each aggregate"
