"""How events are named, and how two major versions of one stand side by side."""

from datetime import UTC, datetime

from pydantic import BaseModel

from {{ cookiecutter.package_name }}.domain.events import {{ cookiecutter.__Entity }}Created
from {{ cookiecutter.package_name }}.domain.values import Quantity, Reference
from {{ cookiecutter.package_name }}.infrastructure.identity import new_id
from {{ cookiecutter.package_name }}.infrastructure.messaging.contracts import documents
from {{ cookiecutter.package_name }}.infrastructure.messaging.envelope import Packer, read
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import channel_of
from {{ cookiecutter.package_name }}.infrastructure.messaging.schemas import (
    PREFIX,
    SCHEMAS,
    EventData,
    EventSchema,
    by_event,
)
from {{ cookiecutter.package_name }}.infrastructure.messaging.subscriptions import HISTORY, subscriptions


class Pieces(BaseModel):
    """Number and unit."""

    number: int


class NewCreatedData(EventData):
    """A second major version."""

    pieces: Pieces


def _id(event: {{ cookiecutter.__Entity }}Created) -> dict[str, object]:
    return {"id": str(event.id)}


def _pieces(event: {{ cookiecutter.__Entity }}Created) -> dict[str, object]:
    return {"id": str(event.id), "pieces": {"number": event.quantity.value}}


OLD = EventSchema({{ cookiecutter.__Entity }}Created, EventData, _id, minor=4)
NEW = EventSchema({{ cookiecutter.__Entity }}Created, NewCreatedData, _pieces, major=2, minor=3)
EVENT = {{ cookiecutter.__Entity }}Created(
    id=new_id(),
    version=1,
    occurred_at=datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
    reference=Reference("A-1001"),
    quantity=Quantity(3),
)


def test_types_say_service_entity_and_action_and_schemas_the_version() -> None:
    assert (OLD.type, NEW.type) == (f"{PREFIX}.created", f"{PREFIX}.created-v2")
    assert OLD.dataschema == f"urn:event-schema:{PREFIX}.created:1.4"
    assert NEW.dataschema == f"urn:event-schema:{PREFIX}.created-v2:2.3"


def test_both_major_versions_are_published_as_events_of_their_own_in_the_same_channel() -> None:
    messages = Packer(new_id, [OLD, NEW])(EVENT)
    assert [message.type for message in messages] == [OLD.type, NEW.type]
    assert len({message.id for message in messages}) == 2
    assert {(message.key, channel_of(message.type)) for message in messages} == {(str(EVENT.id), PREFIX)}
    old, new = (read(message.body) for message in messages)
    assert (old.major, old.data) == (1, {"id": old.subject})
    assert (new.major, new.data) == (2, {"id": new.subject, "pieces": {"number": 3}})
    assert (old.time, old.cause.correlation_id) == (new.time, new.cause.correlation_id)


def test_the_history_takes_every_event_and_each_in_one_major_version_only() -> None:
    reactions = subscriptions()[HISTORY]
    for schemas in by_event(SCHEMAS).values():
        taken = [schema for schema in schemas if schema.type in reactions]
        assert len(taken) == 1, f"{schemas[0].type}: the history waits for ever for a version that it does not take"
        assert reactions[taken[0].type].major == taken[0].major
        assert reactions[taken[0].type].data is taken[0].data


def test_each_major_version_has_a_file_of_its_own() -> None:
    assert set(documents([OLD, NEW])) == {f"{PREFIX}.created.v1.json", f"{PREFIX}.created.v2.json", "cloudevent.json"}
