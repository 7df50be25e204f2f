"""Metrics of the outbox."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from .port import Backlog

DELAYS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class OutboxMetrics:
    """Events that wait, events that were published, and how long that took."""

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
        """Record a batch that the broker has confirmed."""
        self._published.inc(count)
        self._delay.observe(oldest_seconds)

    def backlog(self, backlog: Backlog) -> None:
        """Record what waits at this moment."""
        self.waiting.set(backlog.count)
        self.oldest.set(backlog.oldest_seconds)
