"""Figures about the process, its database connections and its business, in Prometheus' format."""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ...domain.events import (
    {{ cookiecutter.__Entity }}Cancelled,
    {{ cookiecutter.__Entity }}Confirmed,
    {{ cookiecutter.__Entity }}Event,
)
from ..database.port import PoolUsage
from ..identity import age_seconds

# From seconds to a month: 1 s, 10 s, 1 min, 10 min, 1 h, 6 h, 1 d, 1 week, 30 d.
AGES_SECONDS = (1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800, 2_592_000)


class PoolCollector(Collector):
    """Reads the pool when Prometheus asks, so that the figures are never stale."""

    def __init__(self, usage: Callable[[], PoolUsage]) -> None:
        self._usage = usage

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Called for each scrape."""
        usage = self._usage()
        connections = GaugeMetricFamily("database_pool_connections", "Open connections", labels=["state"])
        connections.add_metric(["in_use"], usage.in_use)
        connections.add_metric(["idle"], usage.idle)
        yield connections
        yield GaugeMetricFamily("database_pool_limit", "Connections the pool may open", value=usage.limit)


class EventMetrics:
    """What happened to the aggregates: the business metrics, to look at first.

    The place for more: a metric in `__init__`, observed in `__call__`, which is told every committed event once.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        events = Counter(
            "{{ cookiecutter.__entity }}_events",
            "Committed events",
            ["action"],
            registry=registry,
        )
        ages = Histogram(
            "{{ cookiecutter.__entity }}_age_seconds",
            "Time since the creation, at the moment of this action",
            ["action"],
            buckets=AGES_SECONDS,
            registry=registry,
        )
        # Looked up once; and so each shows 0 from the start instead of nothing.
        kinds = {{ cookiecutter.__Entity }}Event.__subclasses__()
        self._events = {kind.action: events.labels(kind.action) for kind in kinds}
        decisions = (
            {{ cookiecutter.__Entity }}Confirmed,
            {{ cookiecutter.__Entity }}Cancelled,
        )
        self._ages = {kind.action: ages.labels(kind.action) for kind in decisions}

    def __call__(self, events: Sequence[{{ cookiecutter.__Entity }}Event]) -> None:
        """Take in events that were committed."""
        for event in events:
            self._events[event.action].inc()
            if age := self._ages.get(event.action):
                # The id holds the time, so nothing has to be read.
                age.observe(age_seconds(event.id, event.occurred_at))


class RetryMetrics:
    """Counts transactions and queries that were run again."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._retries = Counter("database_retries", "Steps run again because the database broke off", registry=registry)

    def __call__(self) -> None:
        """Count one."""
        self._retries.inc()


def create_registry() -> CollectorRegistry:
    """A registry with the process's own figures; each application has its own, so that tests do not share counters."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, which no query here uses
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
