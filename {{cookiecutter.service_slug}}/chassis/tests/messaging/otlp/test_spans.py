"""Events in traces, with the broker within the process; the suites of brokers hold with spans around it."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext

from chassis.domain import DomainEvent
from chassis.errors import Unavailable
from chassis.identity import new_id, utc_now
from chassis.messaging.brokers.in_process import InProcessBroker
from chassis.messaging.contracts import EventSerializer, parse_envelope
from chassis.messaging.port import Dead, Message, Subscription
from chassis.messaging.spans import TracedBroker, TracedSerializer
from chassis.testing.brokers import CONCURRENCY, BrokerConformance, DeadLetterConformance, RecordingHandler
from tests.sample.domain.labels import Label
from tests.sample.domain.parcels import Parcel, Quantity, Reference
from tests.sample.messaging.contracts import CATALOG

SUBSCRIPTION = Subscription("test.consumer", ["test.thing.created"])


class RefusingBroker(InProcessBroker):
    """Confirms nothing, or is away."""

    def __init__(self, *, away: bool) -> None:
        super().__init__()
        self._away = away

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Store none of them."""
        del messages
        if self._away:
            raise Unavailable("broker", "cannot be reached")
        return []


class Traced:
    """Fixtures of the suites."""

    @pytest.fixture
    def broker(self) -> TracedBroker:
        """A new broker."""
        return TracedBroker(InProcessBroker())

    @pytest.fixture
    def another(self, broker: TracedBroker) -> TracedBroker:
        """The same one: processes cannot share it."""
        return broker


class TestDelivery(Traced, BrokerConformance):
    """Delivery."""


class TestDeadLetters(Traced, DeadLetterConformance):
    """Dead letters."""


def events() -> list[DomainEvent]:
    """One event of each aggregate."""
    parcel = Parcel.create(id=new_id(), reference=Reference("A-1001"), quantity=Quantity(3), at=utc_now())
    label = Label.print(id=new_id(), text="fragile", at=utc_now())
    return [*parcel.take_events(), *label.take_events()]


def created() -> Message:
    """A message that belongs to a trace, for the subscription of these tests."""
    with trace.get_tracer("test").start_as_current_span("request"):
        [message] = TracedSerializer(EventSerializer(CATALOG, new_id), "in-process")(events()[0])
    return replace(message, type="test.thing.created")


def test_an_event_names_the_span_in_which_it_was_created(spans: InMemorySpanExporter) -> None:
    message = created()
    [creation] = named(spans, "create")
    [request] = named(spans, "request")
    assert place(creation.parent) == place(request.context)
    traceparent = parse_envelope(message.body).traceparent
    assert traceparent is not None
    assert tuple(traceparent.split("-")[1:3]) == place(creation.context)


def test_spans_name_the_channel_of_each_aggregate(spans: InMemorySpanExporter) -> None:
    serialize = TracedSerializer(EventSerializer(CATALOG, new_id), "in-process")
    for event in events():
        serialize(event)
    assert [span.name for span in spans.get_finished_spans()] == [
        "create warehouse-service.parcel",
        "create warehouse-service.shipping-label",
    ]


async def test_a_dead_lettered_message_is_a_failure_in_its_trace(spans: InMemorySpanExporter) -> None:
    broker = TracedBroker(InProcessBroker())
    handler = RecordingHandler(lambda _: Dead("for a reason that may hold personal data"))
    message = created()
    async with broker.consuming(SUBSCRIPTION, handler, CONCURRENCY):
        await broker.publish([message])
        await handler.wait_for(message.body)
    [processing] = named(spans, "process")
    [creation] = named(spans, "create")
    assert place(processing.parent) == place(creation.context)
    assert [place(link.context) for link in processing.links] == [place(creation.context)]
    assert not processing.status.is_ok
    assert (processing.attributes or {})["error.type"] == "dead"
    assert "personal" not in processing.to_json()


async def test_a_message_without_a_trace_begins_one(spans: InMemorySpanExporter) -> None:
    broker = TracedBroker(InProcessBroker())
    handler = RecordingHandler()
    malformed = [b"{", b'{"traceparent": "00-00-00-01"}', b'{"traceparent":"' + b"0" * 55 + b'"}']
    async with broker.consuming(SUBSCRIPTION, handler, CONCURRENCY):
        await broker.publish([Message(str(n), "test.thing.created", "a", body) for n, body in enumerate(malformed)])
        await handler.wait_for(*malformed)
    assert [span.parent for span in named(spans, "process")] == [None] * 3
    assert named(spans, "send") == []


@pytest.mark.parametrize(("away", "kind"), [(True, "Unavailable"), (False, "not confirmed")])
async def test_an_unconfirmed_message_is_a_failure_in_its_trace(
    spans: InMemorySpanExporter,
    *,
    away: bool,
    kind: str,
) -> None:
    try:
        assert await TracedBroker(RefusingBroker(away=away)).publish([created()]) == []
    except Unavailable:
        assert away
    [sent] = named(spans, "send")
    assert not sent.status.is_ok
    assert (sent.attributes or {})["error.type"] == kind


def named(spans: InMemorySpanExporter, word: str) -> list[ReadableSpan]:
    """The spans whose names begin with a word."""
    return [span for span in spans.get_finished_spans() if span.name.partition(" ")[0] == word]


def place(context: SpanContext | None) -> tuple[str, str]:
    """Trace and span."""
    assert context is not None
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
