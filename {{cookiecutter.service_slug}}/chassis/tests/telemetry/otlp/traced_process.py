"""A process that handles one request with one statement, and ends; for test_export."""

import sys

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, use_span

from chassis.settings import ServiceSettings
from chassis.telemetry.logs import configure_logging
from chassis.telemetry.otlp import TracingSettings, process_attributes, tracing
from chassis.telemetry.spans import statement_span
from tests.support.logs import IDENTITY


def main(trace_id: int, caller: int) -> None:
    """Continue the caller's trace."""
    configure_logging("info", "json", sys.stdout, identity=IDENTITY, environment="local")
    context = SpanContext(trace_id, caller, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    with (
        tracing(TracingSettings(), process_attributes(IDENTITY, ServiceSettings())),
        use_span(NonRecordingSpan(context)),
        trace.get_tracer("test").start_as_current_span("request", kind=SpanKind.SERVER),
        statement_span("a-database", "INSERT INTO stock VALUES ($1)"),
    ):
        pass


if __name__ == "__main__":
    main(int(sys.argv[1], 16), int(sys.argv[2], 16))
