"""A request to the running service is one trace, as a collector receives it."""

import sys
import time

import pytest
from chassis.testing.otlp.collector import Collector, collecting, tree
from chassis.testing.processes import TIMEOUT_SECONDS, running

from tests.support.api import DRAFT, URL, client_of

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
SERVE = [sys.executable, "-m", "{{ cookiecutter.package_name }}", "serve"]
KINDS = "{{ 'SERVER CLIENT PRODUCER CONSUMER' if cookiecutter.broker != 'none' else 'SERVER CLIENT' }}"


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_everything_that_a_request_causes_is_one_trace(database_url: str, protocol: str) -> None:
    with collecting(protocol) as collector:
        settings = {
            "DATABASE_URL": database_url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20a-token",
            "OTEL_RESOURCE_ATTRIBUTES": "k8s.pod.name=a-pod",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "SHUTDOWN_DRAIN_SECONDS": "0",
        }
        with running(SERVE, **settings) as service:
            with client_of(service.url()) as client:
                assert client.post(URL, json=DRAFT, headers=SAMPLED).status_code == 201
                assert client.get("/health/ready", headers=SAMPLED).status_code == 200
            wait_for_kinds(collector)
            assert service.stop() == 0  # sends the spans that are left
    spans = collector.of(TRACE)
    print(tree(spans))  # noqa: T201 - shown with `-s`
    [server] = [span for span in spans if span.kind == "SERVER"]
    assert (server.name, server.parent) == (f"POST {URL}", CALLER)
    statements = {span.name for span in spans if span.parent == server.id}
    assert {"INSERT {{ cookiecutter.__entities }}", "COMMIT"} <= statements
    assert "A-1001" not in str(spans)
    assert collector.headers[0]["authorization"] == "Bearer a-token"
    assert server.process["service.name"] == "{{ cookiecutter.service_slug }}"
    assert server.process["k8s.pod.name"] == "a-pod"


def wait_for_kinds(collector: Collector) -> None:
    """Wait until the trace has a span of each kind."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not {*KINDS.split()} <= (found := {span.kind for span in collector.of(TRACE)}):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
