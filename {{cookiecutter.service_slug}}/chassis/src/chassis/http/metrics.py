"""Rate, errors and duration of HTTP requests (RED), by route template so that the number of series is bounded."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from ..telemetry.spans import exemplar
from .routes import GROUPS

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class HttpMetrics:
    """Counts requests; the children of every label set are looked up once and kept."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.in_flight = Gauge("http_requests_in_flight", "Requests being handled now", registry=registry)
        requests = Counter("http_requests", "Requests handled", ["method", "route", "status"], registry=registry)
        seconds = Histogram(
            "http_request_duration_seconds",
            "From the first byte of a request to the last of its response",
            ["method", "route"],
            buckets=_BUCKETS_SECONDS,
            registry=registry,
        )
        self._count = lru_cache(maxsize=4096)(requests.labels)
        self._duration = lru_cache(maxsize=1024)(seconds.labels)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request.

        Args:
            method: its HTTP method; unusual ones are counted together.
            route: the template of its path, never the path itself.
            status: of its response.
            seconds: how long it took.
        """
        method = method if method in _METHODS else "OTHER"
        self._count(method, route, status).inc()
        self._duration(method, route).observe(seconds, exemplar())


class OverloadMetrics:
    """Requests that were, or would have been, refused because there are too many."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.waiting = Gauge("http_requests_waiting", "Requests that wait for others to be done", registry=registry)
        self.shed = Counter("http_requests_shed", "Requests refused because too many were handled", registry=registry)
        self._over_limit = Counter(
            "http_requests_over_limit", "Requests above their caller's quota", ["group", "action"], registry=registry
        )
        for group, action in product(GROUPS, ("logged", "refused")):  # they show 0 before the first one
            self._over_limit.labels(group, action)

    def over_limit(self, group: str, action: str) -> None:
        """Count a request above its caller's quota.

        Args:
            group: of its route.
            action: what was done: `logged` or `refused`.
        """
        self._over_limit.labels(group, action).inc()


class HealthMetrics:
    """Build of the process, and whether its dependencies are available."""

    def __init__(self, registry: CollectorRegistry, build: Mapping[str, str]) -> None:
        Info("service_build", "Version and build of the service", registry=registry).info(dict(build))
        self._up = Gauge("dependency_up", "1 if the dependency answered, else 0", ["dependency"], registry=registry)

    def checked(self, dependency: str, *, up: bool) -> None:
        """Record the result of a check."""
        self._up.labels(dependency).set(up)
