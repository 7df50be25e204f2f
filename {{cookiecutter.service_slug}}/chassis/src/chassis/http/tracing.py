"""FastAPI's spans: one for each request, named after its route. Without an OpenTelemetry SDK they are not recorded."""

from collections.abc import MutableMapping
from typing import Any

from fastapi.telemetry import TelemetryConfig

from .routes import is_probe


def _is_untraced(scope: MutableMapping[str, Any]) -> bool:
    return is_probe(scope.get("path", ""))


# The chassis has its own metrics and error logs; spans of the framework's inner steps would double a request's cost.
TELEMETRY: TelemetryConfig = {
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
    "exclude": _is_untraced,
}
