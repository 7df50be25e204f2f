"""Events in traces: with the broker within this process, which keeps the same promises as the real one."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext

from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.identity import new_id
from {{ cookiecutter.package_name }}.infrastructure.messaging.envelope import read
from {{ cookiecutter.package_name }}.infrastructure.messaging.in_process import InProcessBroker
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Dead, Message, Subscription
from {{ cookiecutter.package_name }}.infrastructure.messaging.tracing import TracedBroker, TracedPacker

from ..brokers import DeliveryContract
from ..contract.test_messages import LIFE
from ..dead_letters import DeadLetterContract
from ..deliveries import CONCURRENCY, Handled

SUBSCRIPTION = Subscription("test.taker", ["test.thing.created"])


class RefusingBroker(InProcessBroker):
    """Confirms nothing, or is away."""

    def __init__(self, *, away: bool) -> None:
        super().__init__()
        self._away = away

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Keep none of them."""
        del messages
        if self._away:
            raise Unavailable("broker", "cannot be reached")
        return []


class Traced:
    """The contract of every broker holds with spans around it."""

    @pytest.fixture
    def broker(self) -> TracedBroker:
        """A new one."""
        return TracedBroker(InProcessBroker())

    @pytest.fixture
    def another(self, broker: TracedBroker) -> TracedBroker:
        """The same one: two processes cannot share it."""
        return broker


class TestDelivery(Traced, DeliveryContract):
    """Everything about delivery."""


class TestDeadLetters(Traced, DeadLetterContract):
    """Everything about dead letters."""


def created() -> Message:
    """An event of a trace, for the subscription of these tests."""
    with trace.get_tracer("test").start_as_current_span("request"):
        [message] = TracedPacker(new_id, "in-process")(LIFE[0])
    return replace(message, type="test.thing.created")


def test_an_event_says_where_in_the_trace_it_was_created(spans: InMemorySpanExporter) -> None:
    message = created()
    [packed] = named(spans, "create")
    [request] = named(spans, "request")
    assert place(packed.parent) == place(request.context)
    said = read(message.body).traceparent
    assert said is not None
    assert tuple(said.split("-")[1:3]) == place(packed.context)


async def test_a_message_that_is_put_aside_is_a_failure_in_its_trace(spans: InMemorySpanExporter) -> None:
    broker = TracedBroker(InProcessBroker())
    handled = Handled(lambda _: Dead("for a reason that may hold personal data"))
    message = created()
    async with broker.consuming(SUBSCRIPTION, handled, CONCURRENCY):
        await broker.publish([message])
        await handled.wait_for(message.body)
    [processed] = named(spans, "process")
    [packed] = named(spans, "create")
    assert place(processed.parent) == place(packed.context)
    assert [place(link.context) for link in processed.links] == [place(packed.context)]
    assert not processed.status.is_ok
    assert (processed.attributes or {})["error.type"] == "dead"
    assert "personal" not in processed.to_json()


async def test_a_message_without_a_trace_begins_one(spans: InMemorySpanExporter) -> None:
    broker = TracedBroker(InProcessBroker())
    handled = Handled()
    garbage = [b"{", b'{"traceparent": "00-00-00-01"}', b'{"traceparent":"' + b"0" * 55 + b'"}']
    async with broker.consuming(SUBSCRIPTION, handled, CONCURRENCY):
        await broker.publish([Message(str(n), "test.thing.created", "a", body) for n, body in enumerate(garbage)])
        await handled.wait_for(*garbage)
    assert [span.parent for span in named(spans, "process")] == [None] * 3
    assert named(spans, "send") == []


@pytest.mark.parametrize(("away", "kind"), [(True, "Unavailable"), (False, "not confirmed")])
async def test_what_the_broker_does_not_keep_is_a_failure_in_its_trace(
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
    """The spans whose name begins so."""
    return [span for span in spans.get_finished_spans() if span.name.partition(" ")[0] == word]


def place(context: SpanContext | None) -> tuple[str, str]:
    """Trace and span."""
    assert context is not None
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
