"""Metrics of consumers."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ...telemetry.spans import exemplar
from ..port import Depth

OUTCOMES = ("applied", "duplicate", "ignored", "retried", "dead")
DURATIONS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ConsumerMetrics:
    """Messages handled, with the outcome applied, duplicate, ignored, retried or dead."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._messages = Counter("consumer_messages", "Messages handled", ["consumer", "outcome"], registry=registry)
        self._seconds = Histogram(
            "consumer_duration_seconds",
            "Time to handle a message",
            ["consumer"],
            registry=registry,
            buckets=DURATIONS,
        )
        # A lookup by labels costs more than the rest of recording.
        self._counts: dict[tuple[str, str], Counter] = {}
        self._durations: dict[str, Histogram] = {}
        self._waiting = Gauge("consumer_waiting", "Messages that wait for a consumer", ["consumer"], registry=registry)
        self._dead = Gauge("consumer_dead_letters", "Dead letters", ["consumer"], registry=registry)

        self._registry = registry
        self._unrouted: Gauge | None = None

    def expect(self, consumer: str) -> None:
        """Create the series of a consumer, so that they show 0 before its first message."""
        for outcome in OUTCOMES:
            self._counts[consumer, outcome] = self._messages.labels(consumer, outcome)
        self._durations[consumer] = self._seconds.labels(consumer)

    def handled(self, consumer: str, outcome: str, seconds: float) -> None:
        """Record a handled message of an expected consumer."""
        self._counts[consumer, outcome].inc()
        self._durations[consumer].observe(seconds, exemplar())

    def depth(self, consumer: str, depth: Depth) -> None:
        """Record the messages at the broker at this moment."""
        self._waiting.labels(consumer).set(depth.waiting)
        self._dead.labels(consumer).set(depth.dead)

    def unrouted(self, count: int) -> None:
        """Record the events without subscription at a broker that keeps them aside; only there the gauge exists."""
        if self._unrouted is None:
            text = "Events that reached no subscription"
            self._unrouted = Gauge("broker_unrouted_events", text, registry=self._registry)
        self._unrouted.set(count)
