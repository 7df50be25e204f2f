"""Parts of OpenTelemetry's SDK, configured by settings."""

from collections.abc import Mapping
from secrets import randbits

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, TraceIdRatioBased

from .settings import TracingSettings


def create_provider(settings: TracingSettings, attributes: Mapping[str, str]) -> TracerProvider:
    """A provider that records spans and exports none yet."""
    provider = TracerProvider(
        sampler=create_sampler(settings.traces_sampler, settings.traces_sampler_arg),
        resource=Resource.create({**attributes, **settings.attributes}),
        span_limits=SpanLimits(max_attribute_length=settings.attribute_value_length_limit),
        id_generator=_SecureIds(),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(_QueryRedaction())
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
    """Decides at the root of a trace whether it is recorded.

    Args:
        name: one of those that OpenTelemetry defines for OTEL_TRACES_SAMPLER.
        share: of traces that are recorded, 0 to 1, for the samplers by ratio.
    """
    parent_based = name.startswith("parentbased_")
    roots: dict[str, Sampler] = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(share),
    }
    root = roots[name.removeprefix("parentbased_")]
    return ParentBased(root) if parent_based else root


class _SecureIds(RandomIdGenerator):
    """Avoids the random generator that all modules share: if one of them seeds it, two traces get the same id."""

    def generate_span_id(self) -> int:
        """Eight bytes, never all zero."""
        return randbits(64) or 1

    def generate_trace_id(self) -> int:
        """Sixteen bytes, never all zero."""
        return randbits(128) or 1


class _QueryRedaction(SpanProcessor):
    """Keeps the names of query parameters and redacts their values, which are clients' data."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Called for every recorded span."""
        del parent_context
        query = (span.attributes or {}).get("url.query")
        if query:
            names = (pair.partition("=")[0] for pair in str(query).split("&"))
            span.set_attribute("url.query", "&".join(f"{name}=REDACTED" for name in names))
