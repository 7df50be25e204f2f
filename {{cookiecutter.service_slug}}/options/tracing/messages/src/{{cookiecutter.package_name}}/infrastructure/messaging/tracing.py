"""Spans around events on their way out and in, so that a trace goes on wherever its events go.

While a request is handled its event is created, and keeps the place in the trace in the outbox. A relay sends it later,
and somebody takes it in after that: both belong to the trace of the request, however many others travel in the same
batch (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/).
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import replace

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ...domain.causality import Cause, caused_by, current_cause
from ...domain.events import {{ cookiecutter.__Entity }}Event
from ...domain.ports import NewId
from .envelope import Packer
from .port import Broker, DeadLetter, Delivery, Depth, Done, Handler, Message, Subscription, Verdict, nothing
from .schemas import PREFIX

_tracer = trace.get_tracer("{{ cookiecutter.service_slug }}")
_propagator = TraceContextTextMapPropagator()
# Looked for in the bytes, because most messages belong to no trace that is recorded: not worth reading them twice.
_attribute = re.compile(rb'"(traceparent|tracestate)"\s*:\s*"([ -~]{1,512}?)"')


class TracedPacker(Packer):
    """Gives each event a span of its own, which whoever handles the event continues."""

    def __init__(self, new_id: NewId, system: str) -> None:
        """Takes what makes the id of an event, and the kind of broker that it is for."""
        super().__init__(new_id)
        self._attributes = _attributes(system, "create", PREFIX)

    def __call__(self, event: {{ cookiecutter.__Entity }}Event) -> list[Message]:
        """The messages for an event."""
        with _tracer.start_as_current_span(
            f"create {PREFIX}",
            kind=SpanKind.PRODUCER,
            attributes=self._attributes,
        ):
            place: dict[str, str] = {}
            _propagator.inject(place)
            with caused_by(replace(current_cause() or Cause.own(), **place)):
                return super().__call__(event)


class TracedBroker:
    """A broker; what it sends and hands over is part of the trace that the event was created in."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    @property
    def kind(self) -> str:
        """What it is."""
        return self._broker.kind

    async def open(self) -> None:
        """Get ready."""
        await self._broker.open()

    async def close(self) -> None:
        """Let go of every connection."""
        await self._broker.close()

    async def check(self) -> None:
        """Whether it can be reached."""
        await self._broker.check()

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Send, with a span for each message that belongs to a recorded trace."""
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
        let_go: Callable[[], None] = nothing,
    ) -> AbstractAsyncContextManager[None]:
        """Deliver, with a span around whatever the handler does."""

        async def traced(delivery: Delivery) -> Verdict:
            with self._processing(subscription.name, delivery) as span:
                verdict = await handle(delivery)
                if not isinstance(verdict, Done):
                    _fail(span, type(verdict).__name__.lower())
                return verdict

        return self._broker.consuming(subscription, traced, concurrency, let_go)

    async def dead_letters(self, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """What was put aside."""
        return await self._broker.dead_letters(subscription, limit)

    async def dead_letter(self, subscription: Subscription, id: str) -> DeadLetter:
        """One of them."""
        return await self._broker.dead_letter(subscription, id)

    async def replay(self, subscription: Subscription, id: str) -> None:
        """Hand one over again."""
        await self._broker.replay(subscription, id)

    async def depth(self, subscription: Subscription) -> Depth:
        """How much lies there."""
        return await self._broker.depth(subscription)

    def _sending(self, message: Message, batch: int) -> Span | None:
        created = _place(message.body)
        if created is None or not created.trace_flags.sampled:
            return None
        channel = message.type.rpartition(".")[0]
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
        created = _place(delivery.body)
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


def _place(body: bytes) -> SpanContext | None:
    """Where in which trace a message was created; None if it does not say so in a way that can be used."""
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
