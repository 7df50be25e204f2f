"""What FastAPI tells OpenTelemetry: a span for each request, named after its route."""

from collections.abc import MutableMapping
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace

from .routing import is_probe


def exemplar() -> dict[str, str] | None:
    """The trace at hand, for figures to lead to (OpenMetrics exemplars); None if it is not recorded."""
    context = trace.get_current_span().get_span_context()
    return {"trace_id": trace.format_trace_id(context.trace_id)} if context.trace_flags.sampled else None


def _is_untraced(scope: MutableMapping[str, Any]) -> bool:
    return is_probe(scope.get("path", ""))


# Figures and errors have their own ways here; spans of the framework's inner steps would double the price of a request.
TELEMETRY: TelemetryConfig = {
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
    "exclude": _is_untraced,
}
