"""Settings of traces, under the names that OpenTelemetry gives them.

Its SDK reads more of them from the environment by itself: `OTEL_BSP_*`, `OTEL_EXPORTER_OTLP_CERTIFICATE`,
`OTEL_EXPORTER_OTLP_COMPRESSION` and others
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
"""

from collections.abc import Mapping
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from .section import Section


class TracingSettings(Section, env_prefix="OTEL_"):
    """Where traces go, and which requests are traced."""

    sdk_disabled: bool = Field(False, description="true: trace nothing")
    exporter_otlp_endpoint: str | None = Field(
        None, description="collector that takes traces, such as http://127.0.0.1:4318; not set: they go nowhere"
    )
    exporter_otlp_protocol: Literal["grpc", "http/protobuf"] = Field(
        "http/protobuf", description="grpc (usually port 4317) or http/protobuf (usually port 4318)"
    )
    exporter_otlp_headers: SecretStr | None = Field(
        None, description="what the collector asks for, such as authorization=Bearer%20...; several with commas"
    )
    exporter_otlp_timeout: float = Field(
        5, gt=0, le=60, description="seconds that the collector may take for one batch; requests never wait for it"
    )
    traces_sampler: Literal[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ] = Field("parentbased_traceidratio", description="parentbased_...: as the caller has decided, if it has")
    traces_sampler_arg: float = Field(1, ge=0, le=1, description="share of the requests that ..._traceidratio traces")
    resource_attributes: str = Field(
        "", description="more about this process, such as k8s.pod.name=a,k8s.namespace.name=b"
    )
    attribute_value_length_limit: int = Field(1_024, ge=64, description="longer texts in spans are cut off")

    @field_validator("exporter_otlp_endpoint")
    @classmethod
    def an_address(cls, value: str | None) -> str | None:
        """A host without a scheme is the usual mistake: the exporter would take it for something else."""
        if value is not None and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise ValueError("must be a URL such as http://collector:4318")
        return value

    @model_validator(mode="after")
    def lists_of_pairs(self) -> Self:
        """Both lists must be readable before anything starts."""
        for name, text in (("headers", self._header_text), ("resource attributes", self.resource_attributes)):
            if any("=" not in pair for pair in _split(text)):
                raise ValueError(f"{name} must be a list like name=value,name=value")
        return self

    @property
    def headers(self) -> Mapping[str, str]:
        """What is sent along with every batch; names in lower case, as gRPC wants them."""
        return {name.lower(): value for name, value in _pairs(self._header_text)}

    @property
    def attributes(self) -> Mapping[str, str]:
        """What is said about the process beyond its name and version."""
        return dict(_pairs(self.resource_attributes))

    @property
    def _header_text(self) -> str:
        return self.exporter_otlp_headers.get_secret_value() if self.exporter_otlp_headers else ""


def _split(text: str) -> list[str]:
    return [pair for pair in text.split(",") if pair.strip()]


def _pairs(text: str) -> list[tuple[str, str]]:
    """W3C Baggage's way to write pairs, which OpenTelemetry uses for both lists."""
    split = (pair.partition("=") for pair in _split(text))
    return [(name.strip(), unquote(value.strip())) for name, _, value in split]
