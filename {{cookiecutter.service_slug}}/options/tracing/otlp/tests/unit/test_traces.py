"""What a trace holds of a request, and what it must not hold."""

import io
import json
import logging
import re
import socket
from collections.abc import Iterator

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from {{ cookiecutter.package_name }}.config.environment import Environment
from {{ cookiecutter.package_name }}.config.settings import ServiceSettings
from {{ cookiecutter.package_name }}.config.tracing import TracingSettings
from {{ cookiecutter.package_name }}.infrastructure.telemetry.logging import configure_logging
from {{ cookiecutter.package_name }}.infrastructure.telemetry.statements import statement_span
from {{ cookiecutter.package_name }}.infrastructure.telemetry.tracing import (
    create_exporter,
    create_sampler,
    process,
)

from .test_api import DRAFT, URL

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
NOT_SAMPLED = {"traceparent": f"00-{TRACE}-{CALLER}-00"}


async def test_a_span_is_named_after_the_route_and_keeps_no_values(
    client: httpx2.AsyncClient,
    spans: InMemorySpanExporter,
) -> None:
    await client.get(URL, params={"status": "created", "limit": "77"}, headers=SAMPLED)
    span = server(spans)
    assert span.name == f"GET {URL}"
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == CALLER
    attributes = span.attributes or {}
    assert attributes["http.response.status_code"] == 200
    assert attributes["url.query"] == "status=REDACTED&limit=REDACTED"


async def test_probes_and_scrapes_are_not_traced(client: httpx2.AsyncClient, spans: InMemorySpanExporter) -> None:
    for path in ("/health/live", "/health/ready", "/health/startup", "/metrics"):
        assert (await client.get(path, headers=SAMPLED)).status_code == 200
    assert spans.get_finished_spans() == ()


async def test_the_caller_decides_whether_a_trace_is_recorded(
    client: httpx2.AsyncClient,
    spans: InMemorySpanExporter,
) -> None:
    await client.post(URL, json=DRAFT, headers=NOT_SAMPLED)
    assert spans.get_finished_spans() == ()


async def test_a_client_error_is_no_failure_of_the_service(
    client: httpx2.AsyncClient,
    spans: InMemorySpanExporter,
) -> None:
    await client.post(URL, json={"reference": "a secret", "quantity": -1})
    span = server(spans)
    assert span.status.is_ok
    assert (span.attributes or {})["http.response.status_code"] == 422
    assert "a secret" not in span.to_json()


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, as JSON."""
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    yield stream
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


async def test_lines_of_the_log_lead_to_the_trace(
    client: httpx2.AsyncClient,
    spans: InMemorySpanExporter,
    lines: io.StringIO,
) -> None:
    await client.get(URL, headers=SAMPLED)
    [access] = [line for line in map(json.loads, lines.getvalue().splitlines()) if line["event"] == "request"]
    assert access["trace_id"] == TRACE
    context = server(spans).context
    assert context is not None
    assert access["span_id"] == f"{context.span_id:016x}"


async def test_durations_lead_to_a_trace_that_took_so_long(
    client: httpx2.AsyncClient,
    spans: InMemorySpanExporter,
) -> None:
    del spans  # there has to be somebody who records
    await client.get(URL, headers=SAMPLED)
    figures = (await client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})).text
    [exemplar] = re.findall(r'http_request_duration_seconds_bucket\{[^}]*\} [\d.]+ # \{trace_id="(\w+)"\}', figures)
    assert exemplar == TRACE


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("INSERT INTO stock (a) VALUES ($1)", "INSERT stock"),
        ("\nSELECT a FROM stock WHERE b = $1", "SELECT stock"),
        ("INSERT INTO `stock` (a) VALUES (?)", "INSERT stock"),
        ("UPDATE stock SET a = $1", "UPDATE stock"),
        ("WITH kept AS (INSERT INTO stock VALUES ($1)) SELECT pg_notify('a', '')", "INSERT stock"),
        ("COMMIT;", "COMMIT"),
        ("BEGIN IMMEDIATE", "BEGIN"),
        ("", "UNKNOWN"),
    ],
)
def test_a_statement_is_named_after_what_it_does(spans: InMemorySpanExporter, statement: str, name: str) -> None:
    with trace.get_tracer("test").start_as_current_span("parent"), statement_span("a-database", statement):
        pass
    assert spans.get_finished_spans()[0].name == name


def test_a_statement_outside_of_a_trace_is_not_recorded(spans: InMemorySpanExporter) -> None:
    with statement_span("a-database", "SELECT 1"):
        pass
    assert spans.get_finished_spans() == ()


@pytest.mark.parametrize(
    ("name", "share", "description"),
    [
        ("always_off", 1.0, "AlwaysOffSampler"),
        ("traceidratio", 0.25, "TraceIdRatioBased{0.25}"),
        ("parentbased_always_on", 0.0, "ParentBased{root:AlwaysOnSampler"),
        ("parentbased_traceidratio", 0.1, "ParentBased{root:TraceIdRatioBased{0.1}"),
    ],
)
def test_samplers_have_the_names_of_the_standard(name: str, share: float, description: str) -> None:
    assert create_sampler(name, share).get_description().startswith(description)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_each_protocol_has_its_exporter(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/")
    exporter = create_exporter(TracingSettings())
    assert protocol.partition("/")[0] in type(exporter).__module__
    exporter.shutdown()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization"),
        ("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError):
        TracingSettings()


def test_every_span_names_the_pod_that_it_comes_from() -> None:
    pod = process(ServiceSettings(environment=Environment.STAGING, build_commit="abc"))
    assert pod["k8s.pod.name"] == pod["service.instance.id"] == socket.gethostname()
    assert pod["vcs.ref.head.revision"] == "abc"
    assert "k8s.pod.name" not in process(ServiceSettings())


def server(spans: InMemorySpanExporter) -> ReadableSpan:
    """The one span of the request."""
    [span] = [span for span in spans.get_finished_spans() if span.kind is SpanKind.SERVER]
    return span
