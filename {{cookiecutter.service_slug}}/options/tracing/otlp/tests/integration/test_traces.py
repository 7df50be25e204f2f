"""Traces of the running service, as a collector gets them."""

import socket

import httpx2
import pytest

from ..collector import Received, collecting, tree
from ..processes import PATIENCE_SECONDS, serving

URL = "/v1/{{ cookiecutter.__resource }}"
NEW = {"reference": "A-1001", "quantity": 3}
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE}-{CALLER}-01"}


@pytest.fixture
def local(database_url: str) -> dict[str, str]:
    """Settings of a developer's machine with a database."""
    return {"ENVIRONMENT": "local", "DATABASE_URL": database_url, "SHUTDOWN_DRAIN_SECONDS": "0"}


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_request_and_its_statements_are_one_trace_that_continues_the_callers(
    local: dict[str, str],
    protocol: str,
) -> None:
    with collecting(protocol) as collector:
        export = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20a-token",
            "OTEL_RESOURCE_ATTRIBUTES": "k8s.pod.name=a-pod",
        }
        with serving(**local, **export) as service:
            url = service.url()
            created = httpx2.post(url + URL, json=NEW, headers=SAMPLED)
            assert created.status_code == 201
            for path in ("/health/ready", "/health/live", "/metrics"):
                assert httpx2.get(url + path, headers=SAMPLED).status_code == 200
            assert service.end() == 0  # sends what still waits
    spans = collector.of(TRACE)
    print(tree(spans))  # noqa: T201 - to look at, with `-s`
    [server] = [span for span in spans if span.kind == "SERVER"]
    assert (server.name, server.parent) == (f"POST {URL}", CALLER)
    statements = [span for span in spans if span.parent == server.id and "db.system.name" in span.attributes]
    assert "INSERT {{ cookiecutter.__entities }}" in [span.name for span in statements]
    assert "COMMIT" in [span.name for span in statements]
    assert "A-1001" not in str(spans)
    assert collector.headers[0]["authorization"] == "Bearer a-token"
    assert server.process.items() >= {
        ("service.name", "{{ cookiecutter.service_slug }}"),
        ("deployment.environment.name", "local"),
        ("k8s.pod.name", "a-pod"),
    }


def test_what_the_service_does_by_itself_is_not_traced(local: dict[str, str]) -> None:
    """Looking for events, forgetting old answers: nobody asked for it, and it never ends."""
    with (
        collecting("http/protobuf") as collector,
        serving(**local, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint) as service,
    ):
        url = service.url()
        for _ in range(20):
            httpx2.get(f"{url}/health/ready")
        httpx2.get(url + URL, headers=SAMPLED)
        assert service.end() == 0
    assert {span.trace for span in collector.spans} == {TRACE}
    assert roots(collector.spans) == [f"GET {URL}"]


def test_a_collector_that_never_answers_costs_spans_and_nothing_else(local: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        export = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "60",
            "OTEL_BSP_SCHEDULE_DELAY": "20",
        }
        with serving(**local, **export) as service:
            url = service.url() + URL
            assert httpx2.get(url, headers=SAMPLED).status_code == 200
            silent.settimeout(PATIENCE_SECONDS)
            connection, _ = silent.accept()
            with connection:  # from here on a batch is under way, and stays so
                for _ in range(20):
                    assert httpx2.get(url, headers=SAMPLED).status_code == 200
                assert service.end() == 0
            service.wait_for("the last spans are lost")


def roots(spans: list[Received]) -> list[str]:
    """What hangs below the caller."""
    return [span.name for span in spans if span.parent == CALLER]
