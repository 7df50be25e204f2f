"""Traces: what is recorded of them, and how they leave (OpenTelemetry)."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from secrets import randbits
from threading import Thread

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, TraceIdRatioBased
from structlog.typing import EventDict, WrappedLogger

from ...config.environment import Environment
from ...config.settings import ServiceSettings
from ...config.tracing import TracingSettings

# A collector that does not answer must not hold up the end of the process.
FLUSH_SECONDS = 3.0
_log = structlog.stdlib.get_logger("tracing")


@contextmanager
def tracing(settings: TracingSettings, process: Mapping[str, str]) -> Iterator[None]:
    """Trace as long as the block lasts; then send what is left, for a few seconds at most.

    Spans wait in memory for a thread that sends them: a collector that is slow or away costs spans, never requests.

    Args:
        settings: where spans go, and how many there are.
        process: what every span says about this process.
    """
    if settings.sdk_disabled:
        yield
        return
    provider = create_provider(settings, process)
    if settings.exporter_otlp_endpoint is None:
        _log.info("traces go nowhere: OTEL_EXPORTER_OTLP_ENDPOINT is not set")
        trace.set_tracer_provider(provider)
        yield
        return
    sending = BatchSpanProcessor(create_exporter(settings))
    provider.add_span_processor(sending)
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        _flush(sending)


def _flush(sending: BatchSpanProcessor) -> None:
    """In a thread, because the processor itself would wait for half a minute."""
    flushing = Thread(target=sending.shutdown, daemon=True)
    flushing.start()
    flushing.join(FLUSH_SECONDS)
    if flushing.is_alive():
        _log.warning("the last spans are lost: the collector does not answer", reason=f"not within {FLUSH_SECONDS:g} s")


def process(settings: ServiceSettings) -> Mapping[str, str]:
    """What every span says about this process, by OpenTelemetry's names."""
    host = socket.gethostname()
    in_cluster = settings.environment is not Environment.LOCAL
    return {
        "service.name": "{{ cookiecutter.service_slug }}",
        "service.version": version("{{ cookiecutter.service_slug }}"),
        "service.instance.id": host,
        "deployment.environment.name": settings.environment,
        "vcs.ref.head.revision": settings.build_commit,
        **({"k8s.pod.name": host} if in_cluster else {}),  # a pod's host is called as the pod
    }


def create_provider(settings: TracingSettings, process: Mapping[str, str]) -> TracerProvider:
    """Makes spans; sends none yet."""
    provider = TracerProvider(
        sampler=create_sampler(settings.traces_sampler, settings.traces_sampler_arg),
        resource=Resource.create({**process, **settings.attributes}),
        span_limits=SpanLimits(max_attribute_length=settings.attribute_value_length_limit),
        id_generator=_OwnIds(),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(_WithoutQueryValues())
    return provider


def create_exporter(settings: TracingSettings) -> SpanExporter:
    """Sends spans to the collector of the settings."""
    endpoint = settings.exporter_otlp_endpoint or ""
    if settings.exporter_otlp_protocol == "grpc":
        return GrpcExporter(
            endpoint,
            insecure=endpoint.startswith("http://"),
            headers=dict(settings.headers),
            timeout=settings.exporter_otlp_timeout,
        )
    return HttpExporter(
        f"{endpoint.rstrip('/')}/v1/traces",
        headers=settings.headers,
        timeout=settings.exporter_otlp_timeout,
    )


def create_sampler(name: str, share: float) -> Sampler:
    """Decides at its root whether a trace is recorded.

    Args:
        name: one of those that OpenTelemetry defines for OTEL_TRACES_SAMPLER.
        share: of traces that are recorded, 0 to 1, where the name speaks of a ratio.
    """
    parent_based = name.startswith("parentbased_")
    roots: dict[str, Sampler] = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(share),
    }
    root = roots[name.removeprefix("parentbased_")]
    return ParentBased(root) if parent_based else root


def exemplar() -> dict[str, str] | None:
    """The trace at hand, for figures to lead to (OpenMetrics exemplars); None if it is not recorded."""
    context = trace.get_current_span().get_span_context()
    return {"trace_id": trace.format_trace_id(context.trace_id)} if context.trace_flags.sampled else None


def trace_ids(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Adds to a line of the log which trace and span it belongs to."""
    del logger, name
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


class _OwnIds(RandomIdGenerator):
    """Not from the generator that all modules share: once somebody seeds that, two traces have one id."""

    def generate_span_id(self) -> int:
        """Eight bytes, never all zero."""
        return randbits(64) or 1

    def generate_trace_id(self) -> int:
        """Sixteen bytes, never all zero."""
        return randbits(128) or 1


class _WithoutQueryValues(SpanProcessor):
    """Keeps the names of query parameters: what callers put there is nobody's business."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Called for every span that is recorded."""
        del parent_context
        query = (span.attributes or {}).get("url.query")
        if query:
            names = (pair.partition("=")[0] for pair in str(query).split("&"))
            span.set_attribute("url.query", "&".join(f"{name}=REDACTED" for name in names))
