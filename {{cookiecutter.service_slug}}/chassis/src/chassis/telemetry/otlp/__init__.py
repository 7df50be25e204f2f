"""Export of traces by OTLP: settings, SDK and exporter."""

from .settings import TracingSettings
from .tracing import process_attributes, tracing

__all__ = ["TracingSettings", "process_attributes", "tracing"]
