"""A collector for tests: receives spans over gRPC or HTTP (OTLP 1.x), as a real one does, and keeps them."""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Attributes = dict[str, str | int]


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as the collector received it."""

    trace: str
    id: str
    parent: str
    name: str
    kind: str
    started: int
    failed: bool
    links: Sequence[str]
    attributes: Attributes
    process: Attributes


@dataclass
class Collector:
    """Spans received so far, and the headers of each request."""

    endpoint: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)
    spans: list[ReceivedSpan] = field(default_factory=list)

    def receive(self, request: ExportTraceServiceRequest, headers: Iterable[tuple[str, str]]) -> None:
        """Keep the spans of one request."""
        self.headers.append({name.lower(): value for name, value in headers})
        for part in request.resource_spans:
            process = _attributes(part.resource.attributes)
            self.spans += [_received(span, process) for scope in part.scope_spans for span in scope.spans]

    def of(self, trace: str) -> list[ReceivedSpan]:
        """The spans of one trace, in the order of their start."""
        return sorted((span for span in self.spans if span.trace == trace), key=lambda span: span.started)


def tree(spans: Sequence[ReceivedSpan]) -> str:
    """The spans of a trace as an indented tree; roots are those whose parent was not received."""
    known = {span.id for span in spans}

    def lines(parent: str | None, depth: int) -> Iterator[str]:
        for span in spans:
            if span.parent == parent or (parent is None and span.parent not in known):
                links = f"  linked to {len(span.links)}" if span.links else ""
                yield f"{'   ' * depth}{span.name}  [{span.kind.lower()}]{links}"
                yield from lines(span.id, depth + 1)

    return "\n".join(lines(None, 0))


@contextmanager
def collecting(protocol: str) -> Iterator[Collector]:
    """Run a collector inside the block.

    Args:
        protocol: grpc or http/protobuf.
    """
    collector = Collector()
    with (_grpc if protocol == "grpc" else _http)(collector) as port:
        collector.endpoint = f"http://127.0.0.1:{port}"
        yield collector


@contextmanager
def _grpc(collector: Collector) -> Iterator[int]:
    class Servicer(TraceServiceServicer):
        def Export(  # noqa: N802 - the protocol's name
            self,
            request: ExportTraceServiceRequest,
            context: grpc.ServicerContext,
        ) -> ExportTraceServiceResponse:
            metadata = ((name, str(value)) for name, value in context.invocation_metadata())
            collector.receive(request, metadata)
            return ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(Servicer(), server)  # type: ignore[no-untyped-call]  # generated
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


@contextmanager
def _http(collector: Collector) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            known = self.path == "/v1/traces" and self.headers["content-type"] == "application/x-protobuf"
            if known:
                collector.receive(ExportTraceServiceRequest.FromString(body), self.headers.items())
            self.send_response(200 if known else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _received(span: Span, process: Attributes) -> ReceivedSpan:
    return ReceivedSpan(
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        started=span.start_time_unix_nano,
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
        links=[link.span_id.hex() for link in span.links],
        attributes=_attributes(span.attributes),
        process=process,
    )


def _attributes(pairs: Iterable[KeyValue]) -> Attributes:
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in pairs}
