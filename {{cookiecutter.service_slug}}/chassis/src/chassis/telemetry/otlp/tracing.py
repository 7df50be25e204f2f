"""Traces a process and exports its spans.

The SDK is imported when it is used: some of its modules read the environment when they are imported, and fail.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import structlog

from ...service import ServiceIdentity
from ...settings import Environment, ServiceSettings
from .settings import TracingSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

# A collector that does not answer must not delay the end of the process.
FLUSH_SECONDS = 3.0
_log = structlog.stdlib.get_logger("tracing")


@contextmanager
def tracing(settings: TracingSettings, attributes: Mapping[str, str]) -> Iterator[None]:
    """Record and export spans inside the block; at its end, send the remaining ones, for a few seconds at most.

    Spans wait in memory for a thread that sends them: a slow or missing collector loses spans, and never delays
    requests.

    Args:
        settings: where spans are sent, and which are recorded.
        attributes: of this process, part of every span.
    """
    if settings.sdk_disabled:
        yield
        return
    from opentelemetry import trace
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from .sdk import create_exporter, create_provider

    provider = create_provider(settings, attributes)
    if settings.exporter_otlp_endpoint is None:
        _log.info("trace export disabled: OTEL_EXPORTER_OTLP_ENDPOINT is not set")
        trace.set_tracer_provider(provider)
        yield
        return
    export = BatchSpanProcessor(create_exporter(settings))
    provider.add_span_processor(export)
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        _flush(export)


def _flush(export: "BatchSpanProcessor") -> None:
    """In a thread, because the processor itself would wait for half a minute."""
    flushing = Thread(target=export.shutdown, daemon=True)
    flushing.start()
    flushing.join(FLUSH_SECONDS)
    if flushing.is_alive():
        _log.warning("spans lost at shutdown: collector does not answer", reason=f"not within {FLUSH_SECONDS:g} s")


def process_attributes(identity: ServiceIdentity, settings: ServiceSettings) -> Mapping[str, str]:
    """Attributes of this process, by OpenTelemetry's names."""
    host = socket.gethostname()
    in_cluster = settings.environment is not Environment.LOCAL
    return {
        "service.name": identity.name,
        "service.version": identity.version,
        "service.instance.id": host,
        "deployment.environment.name": settings.environment,
        "vcs.ref.head.revision": settings.build_commit,
        **({"k8s.pod.name": host} if in_cluster else {}),  # a pod's host name is the pod's name
    }
