"""Figures about the process, its database connections and its business, in Prometheus' format."""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, GCCollector, ProcessCollector, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ...domain.events import {{ cookiecutter.__Entity }}Event
from ..database.port import PoolUsage


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
    """Counts what happened to the aggregates: the business metric to look at first."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._events = Counter(
            "{{ cookiecutter.__entity }}_events",
            "Committed events",
            ["action"],
            registry=registry,
        )
        for kind in {{ cookiecutter.__Entity }}Event.__subclasses__():
            self._events.labels(kind.action)  # shows 0 from the start instead of nothing

    def __call__(self, events: Sequence[{{ cookiecutter.__Entity }}Event]) -> None:
        """Count events that were committed."""
        for event in events:
            self._events.labels(event.action).inc()


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
