"""The registry of a process's metrics, in Prometheus' format."""

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, disable_created_metrics


def create_registry() -> CollectorRegistry:
    """A registry with the process's own metrics; each application has one, so that tests do not share counters."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # one more series per metric, which no query here uses
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
