"""The span of a request: what it holds, what it must not hold, and what links to it."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from chassis.testing.http import running
from tests.http.parcels import DRAFT, create_service
from tests.sample.api import URL
from tests.support.logs import logged

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
NOT_SAMPLED = {"traceparent": f"00-{TRACE}-{CALLER}-00"}


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """Sends requests to a running service."""
    async with running(create_service()) as started:
        yield started


async def test_a_span_is_named_after_the_route_and_holds_no_values(
    client: httpx2.AsyncClient, spans: InMemorySpanExporter
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
        await client.get(path, headers=SAMPLED)
    assert spans.get_finished_spans() == ()


async def test_the_caller_decides_whether_a_trace_is_recorded(
    client: httpx2.AsyncClient, spans: InMemorySpanExporter
) -> None:
    await client.post(URL, json=DRAFT, headers=NOT_SAMPLED)
    assert spans.get_finished_spans() == ()


async def test_a_client_error_is_not_a_failure_of_the_service(
    client: httpx2.AsyncClient, spans: InMemorySpanExporter
) -> None:
    await client.post(URL, json={"reference": "a secret", "quantity": -1})
    span = server(spans)
    assert span.status.is_ok
    assert (span.attributes or {})["http.response.status_code"] == 422
    assert "a secret" not in span.to_json()


async def test_log_lines_link_to_the_trace(client: httpx2.AsyncClient, spans: InMemorySpanExporter) -> None:
    with logged() as lines:
        await client.get(URL, headers=SAMPLED)
    [access] = [line for line in lines if line["event"] == "request"]
    context = server(spans).context
    assert context is not None
    assert (access["trace_id"], access["span_id"]) == (TRACE, f"{context.span_id:016x}")


async def test_durations_link_to_a_trace_that_took_so_long(client: httpx2.AsyncClient) -> None:
    await client.get(URL, headers=SAMPLED)
    metrics = (await client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})).text
    [exemplar] = re.findall(r'http_request_duration_seconds_bucket\{[^}]*\} [\d.]+ # \{trace_id="(\w+)"\}', metrics)
    assert exemplar == TRACE


def server(spans: InMemorySpanExporter) -> ReadableSpan:
    """The one span of the request."""
    [span] = [span for span in spans.get_finished_spans() if span.kind is SpanKind.SERVER]
    return span
