"""Metrics of domain events: the business metrics, to look at first."""

from collections.abc import Collection, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram

from ..domain import DomainEvent
from ..identity import age_seconds

# From seconds to a month: 1 s, 10 s, 1 min, 10 min, 1 h, 6 h, 1 d, 1 week, 30 d.
AGES_SECONDS = (1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800, 2_592_000)


class EventMetrics:
    """Observes commits: `<aggregate>_events` counts events, `<aggregate>_age_seconds` is the age at a decision.

    Both have the label `action`.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        events: Sequence[type[DomainEvent]],
        decisions: Collection[type[DomainEvent]] = (),
    ) -> None:
        """Register the metrics.

        Args:
            registry: of the application.
            events: the types to expect, so that each shows 0 from the start instead of nothing.
            decisions: the types at which the aggregate's age is of interest.
        """
        self._registry = registry
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        # Labels are looked up once for each type.
        self._events = {event: self._counter(event) for event in events}
        self._ages = {event: self._histogram(event) for event in decisions}

    def __call__(self, events: Sequence[DomainEvent]) -> None:
        """Observe events that were committed."""
        for event in events:
            kind = type(event)
            if kind not in self._events:
                self._events[kind] = self._counter(kind)
            self._events[kind].inc()
            if age := self._ages.get(kind):
                # The id holds the time, so nothing has to be read.
                age.observe(age_seconds(event.id, event.occurred_at))

    def _counter(self, event: type[DomainEvent]) -> Counter:
        name = f"{_prefix(event)}_events"
        if name not in self._counters:
            self._counters[name] = Counter(name, "Committed events", ["action"], registry=self._registry)
        return self._counters[name].labels(event.action)

    def _histogram(self, event: type[DomainEvent]) -> Histogram:
        name = f"{_prefix(event)}_age_seconds"
        if name not in self._histograms:
            self._histograms[name] = Histogram(
                name,
                "Time since creation, at the moment of this action",
                ["action"],
                buckets=AGES_SECONDS,
                registry=self._registry,
            )
        return self._histograms[name].labels(event.action)


def _prefix(event: type[DomainEvent]) -> str:
    return event.aggregate.replace("-", "_")
