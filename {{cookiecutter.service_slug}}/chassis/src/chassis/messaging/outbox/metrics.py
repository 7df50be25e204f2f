"""Metrics of the outbox."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from .port import Backlog

DELAYS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class OutboxAge:
    """The age of the oldest event that waits: every process of a service observes it, with or without a worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._oldest = Gauge("outbox_oldest_seconds", "Age of the oldest event that waits", registry=registry)

    def set(self, seconds: float) -> None:
        """Record the age at this moment; 0 if no event waits."""
        self._oldest.set(seconds)


class OutboxMetrics:
    """Events that wait, events that were published, and how long that took.

    For a process with a relay only: elsewhere nothing counts the events that wait, and the metric would say 0.
    """

    def __init__(self, registry: CollectorRegistry, age: OutboxAge | None = None) -> None:
        """Register the metrics.

        Args:
            registry: receives them.
            age: if the process observes it already.
        """
        self._age = age or OutboxAge(registry)
        self.waiting = Gauge("outbox_waiting", "Events that wait to be published, up to a limit", registry=registry)
        self.failures = Counter("outbox_failures", "Batches that were not confirmed completely", registry=registry)
        self._published = Counter("outbox_published", "Events that the broker has confirmed", registry=registry)
        self._delay = Histogram(
            "outbox_delay_seconds",
            "From commit to confirmation, for the oldest confirmed event of each batch",
            registry=registry,
            buckets=DELAYS,
        )

    def published(self, count: int, oldest_seconds: float) -> None:
        """Record a batch that the broker has confirmed."""
        self._published.inc(count)
        self._delay.observe(max(0.0, oldest_seconds))  # the clock may have been set back

    def backlog(self, backlog: Backlog) -> None:
        """Record what waits at this moment."""
        self.waiting.set(backlog.count)
        self._age.set(backlog.oldest_seconds)
