"""Spans around events that are published and consumed, so that a trace continues wherever its events go.

An event is created while a request is handled; in the outbox it keeps its place in the trace. A relay sends it later,
and consumers process it after that: both belong to the trace of the request, whatever other events are in the same
batch (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/). Uses OpenTelemetry's API only; without
an SDK in the process, nothing is recorded and next to no time is spent.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import replace

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ..domain import DomainEvent
from .contracts.serializer import EventSerializer
from .correlation import CorrelationContext, correlated, current_correlation
from .port import (
    Broker,
    DeadLetter,
    Delivery,
    Depth,
    Done,
    Handler,
    Message,
    Subscription,
    Verdict,
    channel_of,
    noop,
)

_tracer = trace.get_tracer("chassis")
_propagator = TraceContextTextMapPropagator()
# Searched in the bytes, because most messages belong to no recorded trace: parsing them twice would be a waste.
_attribute = re.compile(rb'"(traceparent|tracestate)"\s*:\s*"([ -~]{1,512}?)"')


class TracedSerializer:
    """Creates a span for each event, which the consumers of the event continue."""

    def __init__(self, serializer: EventSerializer, system: str) -> None:
        """Wrap a serializer.

        Args:
            serializer: makes the messages.
            system: kind of the broker that they are for.
        """
        self._serializer = serializer
        self._system = system

    def __call__(self, event: DomainEvent) -> list[Message]:
        """The messages for an event."""
        if not _has_sdk():
            return self._serializer(event)
        channel = self._serializer.catalog.of(event.__class__)[0].channel
        with _tracer.start_as_current_span(
            f"create {channel}",
            kind=SpanKind.PRODUCER,
            attributes=_attributes(self._system, "create", channel),
        ):
            place: dict[str, str] = {}
            _propagator.inject(place)
            with correlated(replace(current_correlation() or CorrelationContext.new(), **place)):
                return self._serializer(event)


class TracedBroker:
    """A broker whose messages, sent and delivered, are part of the trace in which the event was created."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    @property
    def kind(self) -> str:
        """The kind of broker."""
        return self._broker.kind

    async def open(self) -> None:
        """Prepare for use."""
        await self._broker.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._broker.close()

    async def check(self) -> None:
        """Raise Unavailable unless it can be reached."""
        await self._broker.check()

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Publish, with a span for each message that belongs to a recorded trace."""
        if not _has_sdk():
            return await self._broker.publish(messages)
        spans = {message.id: span for message in messages if (span := self._sending(message, len(messages)))}
        try:
            confirmed = await self._broker.publish(messages)
        except Exception as error:
            _end(spans.values(), type(error).__name__)
            raise
        _end((spans[id] for id in spans.keys() & set(confirmed)), None)
        _end((spans[id] for id in spans.keys() - set(confirmed)), "not confirmed")
        return confirmed

    def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        on_stopping: Callable[[], None] = noop,
    ) -> AbstractAsyncContextManager[None]:
        """Deliver, with a span around each call of the handler."""
        if not _has_sdk():
            return self._broker.consuming(subscription, handle, concurrency, on_stopping)

        async def traced(delivery: Delivery) -> Verdict:
            with self._processing(subscription.name, delivery) as span:
                verdict = await handle(delivery)
                if not isinstance(verdict, Done):
                    _fail(span, type(verdict).__name__.lower())
                return verdict

        return self._broker.consuming(subscription, traced, concurrency, on_stopping)

    async def dead_letters(self, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest first."""
        return await self._broker.dead_letters(subscription, limit)

    async def dead_letter(self, subscription: Subscription, id: str) -> DeadLetter:
        """One of them."""
        return await self._broker.dead_letter(subscription, id)

    async def replay(self, subscription: Subscription, id: str) -> None:
        """Deliver a dead letter again."""
        await self._broker.replay(subscription, id)

    async def discard(self, subscription: Subscription, id: str) -> None:
        """Delete a dead letter."""
        await self._broker.discard(subscription, id)

    async def depth(self, subscription: Subscription) -> Depth:
        """The number of messages."""
        return await self._broker.depth(subscription)

    async def unrouted(self) -> int | None:
        """The number of events kept aside."""
        return await self._broker.unrouted()

    def _sending(self, message: Message, batch: int) -> Span | None:
        created = _creation(message.body)
        if created is None or not created.trace_flags.sampled:
            return None
        channel = channel_of(message.type)
        return _tracer.start_span(
            f"send {channel}",
            context=_below(created),
            kind=SpanKind.CLIENT,
            attributes={
                **_attributes(self.kind, "send", channel),
                "messaging.message.id": message.id,
                "messaging.batch.message_count": batch,
            },
        )

    @contextmanager
    def _processing(self, consumer: str, delivery: Delivery) -> Iterator[Span]:
        created = _creation(delivery.body)
        with _tracer.start_as_current_span(
            f"process {consumer}",
            context=_below(created) if created else Context(),
            links=[Link(created)] if created else (),
            kind=SpanKind.CONSUMER,
            attributes={
                **_attributes(self.kind, "process", consumer),
                "messaging.consumer.group.name": consumer,
                "messaging.delivery.attempt": delivery.attempt,
            },
        ) as span:
            yield span


def _has_sdk() -> bool:
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def _creation(body: bytes) -> SpanContext | None:
    """The span in which a message was created; None if it names none, or a malformed one."""
    found = {name.decode(): value.decode() for name, value in _attribute.findall(body)}
    if "traceparent" not in found:
        return None
    context = trace.get_current_span(_propagator.extract(found, Context())).get_span_context()
    return context if context.is_valid else None


def _below(created: SpanContext) -> Context:
    return trace.set_span_in_context(trace.NonRecordingSpan(created), Context())


def _attributes(system: str, operation: str, destination: str) -> dict[str, str | int]:
    return {
        "messaging.system": system,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": destination,
    }


def _end(spans: Iterable[Span], failure: str | None) -> None:
    for span in spans:
        if failure:
            _fail(span, failure)
        span.end()


def _fail(span: Span, kind: str) -> None:
    span.set_status(StatusCode.ERROR)
    span.set_attribute("error.type", kind)
