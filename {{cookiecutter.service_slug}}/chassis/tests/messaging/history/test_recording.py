"""The history handles every event type of a catalog, each aggregate under its own name."""

from dataclasses import replace

from chassis.database.memory import MemoryDatabase
from chassis.identity import new_id, utc_now
from chassis.messaging.contracts import EventCatalog, EventSerializer
from chassis.messaging.history import history_handlers
from chassis.messaging.port import Delivery, Done
from chassis.messaging.storage.memory import MemoryMessageStorage
from tests.messaging.inbox.deliveries import create_processor
from tests.sample.domain.labels import Label
from tests.sample.domain.parcels import Parcel, Quantity, Reference
from tests.sample.messaging.contracts import CATALOG, SERVICE_NAME


async def test_every_event_is_recorded_under_its_aggregate() -> None:
    database = MemoryDatabase()
    storage, serialize, id = MemoryMessageStorage(database), EventSerializer(CATALOG, new_id), new_id()
    handlers = history_handlers(CATALOG, storage.history)
    assert handlers.keys() == CATALOG.by_name.keys()
    processor = create_processor(database, storage, handlers)
    parcel = Parcel.create(id=id, reference=Reference("A-1001"), quantity=Quantity(3), at=utc_now())
    parcel.confirm(at=utc_now())
    label = Label.print(id=id, text="fragile", at=utc_now())
    for event in [*parcel.take_events(), *label.take_events()]:
        [message] = serialize(event)
        assert await processor(Delivery(message.body)) == Done()
    parcels = await storage.history.entries("parcel", id, 0, 10)
    assert [(entry.type, entry.version) for entry in parcels] == [
        ("warehouse-service.parcel.created", 1),
        ("warehouse-service.parcel.confirmed", 2),
    ]
    [printed] = await storage.history.entries("shipping-label", id, 0, 10)
    assert printed.data == {"id": str(id), "text": "fragile"}


async def test_an_event_in_two_major_versions_is_recorded_once() -> None:
    database = MemoryDatabase()
    storage, id = MemoryMessageStorage(database), new_id()
    printed = next(type.schema for type in CATALOG.types if type.schema.event.aggregate == "shipping-label")
    catalog = EventCatalog(SERVICE_NAME, [printed, replace(printed, major=2)])
    processor = create_processor(database, storage, history_handlers(catalog, storage.history))
    [event] = Label.print(id=id, text="fragile", at=utc_now()).take_events()
    for message in EventSerializer(catalog, new_id)(event):
        assert await processor(Delivery(message.body)) == Done()
    [entry] = await storage.history.entries("shipping-label", id, 0, 10)
    assert entry.type == "warehouse-service.shipping-label.printed"
