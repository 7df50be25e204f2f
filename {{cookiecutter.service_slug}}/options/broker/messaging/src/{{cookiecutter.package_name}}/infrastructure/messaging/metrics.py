"""Figures about events on their way out and in."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
{% if cookiecutter.tracing != "none" %}
from ..telemetry.tracing import exemplar
{%- endif %}
from .port import Depth
from .store import Backlog

DELAYS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
OUTCOMES = ("applied", "duplicate", "ignored", "retried", "dead")
DURATIONS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class RelayMetrics:
    """The outbox: what waits, what went out, how long that took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.waiting = Gauge("outbox_waiting", "Events that wait to be published, up to a limit", registry=registry)
        self.oldest = Gauge("outbox_oldest_seconds", "Age of the oldest event that waits", registry=registry)
        self.failures = Counter("outbox_failures", "Batches that were not confirmed completely", registry=registry)
        self._published = Counter("outbox_published", "Events that the broker has confirmed", registry=registry)
        self._delay = Histogram(
            "outbox_delay_seconds",
            "From commit to confirmation, for the oldest confirmed event of each batch",
            registry=registry,
            buckets=DELAYS,
        )

    def published(self, count: int, oldest_seconds: float) -> None:
        """The broker has confirmed a batch."""
        self._published.inc(count)
        self._delay.observe(oldest_seconds)

    def backlog(self, backlog: Backlog) -> None:
        """What waits at this moment."""
        self.waiting.set(backlog.count)
        self.oldest.set(backlog.oldest_seconds)


class ConsumerMetrics:
    """What came in: `outcome` is applied, duplicate, ignored, retried or dead."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._messages = Counter("consumer_messages", "Messages handled", ["consumer", "outcome"], registry=registry)
        self._seconds = Histogram(
            "consumer_duration_seconds",
            "Time to handle a message",
            ["consumer"],
            registry=registry,
            buckets=DURATIONS,
        )
        self._waiting = Gauge("consumer_waiting", "Messages that wait for a consumer", ["consumer"], registry=registry)
        self._dead = Gauge("consumer_dead_letters", "Messages put aside", ["consumer"], registry=registry)

    def expect(self, consumer: str) -> None:
        """A consumer begins: its figures show 0 instead of nothing."""
        for outcome in OUTCOMES:
            self._messages.labels(consumer, outcome)
        self._seconds.labels(consumer)

    def handled(self, consumer: str, outcome: str, seconds: float) -> None:
        """A message was handled in one way or the other."""
        self._messages.labels(consumer, outcome).inc()
        self._seconds.labels(consumer).observe(seconds{{ ", exemplar()" if cookiecutter.tracing != "none" }})

    def depth(self, consumer: str, depth: Depth) -> None:
        """What lies at the broker at this moment."""
        self._waiting.labels(consumer).set(depth.waiting)
        self._dead.labels(consumer).set(depth.dead)
