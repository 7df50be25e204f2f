"""Metrics of database connections and retries, in Prometheus' format."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from .port import PoolUsage


class PoolCollector(Collector):
    """Reads the pool at each scrape, so that its values are never stale."""

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


class RetryMetrics:
    """Counts retried transactions and queries."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._retries = Counter(
            "database_retries", "Steps run again because the database interrupted them", registry=registry
        )

    def __call__(self) -> None:
        """Count one."""
        self._retries.inc()
