"""Settings of traces, under OpenTelemetry's own names.

Its SDK reads more variables from the environment by itself: `OTEL_BSP_*`, `OTEL_EXPORTER_OTLP_CERTIFICATE`,
`OTEL_EXPORTER_OTLP_COMPRESSION` and others, see `sdk_variables`
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
"""

import os
from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator

from ...settings import Section
from .sdk_variables import variable_problems


class TracingSettings(Section, env_prefix="OTEL_"):
    """Where traces are sent, and which requests are traced."""

    sdk_disabled: bool = Field(False, description="true: no traces at all")
    exporter_otlp_endpoint: str | None = Field(
        None, description="collector that receives traces, such as http://127.0.0.1:4318; not set: no export"
    )
    exporter_otlp_protocol: Literal["grpc", "http/protobuf"] = Field(
        "http/protobuf", description="grpc (usually port 4317) or http/protobuf (usually port 4318)"
    )
    exporter_otlp_headers: SecretStr | None = Field(
        None, description="headers for the collector, such as authorization=Bearer%20...; several with commas"
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
    ] = Field("parentbased_traceidratio", description="parentbased_...: follows the caller's decision, if there is one")
    traces_sampler_arg: float = Field(1, ge=0, le=1, description="share of the requests that ..._traceidratio traces")
    resource_attributes: str = Field(
        "", description="further attributes of this process, such as k8s.pod.name=a,k8s.namespace.name=b"
    )
    attribute_value_length_limit: int = Field(1_024, ge=64, description="longer texts in spans are cut off")

    @field_validator("exporter_otlp_endpoint")
    @classmethod
    def is_url(cls, value: str | None) -> str | None:
        """A host without a scheme is the usual mistake, and the exporter would misread it."""
        if value is not None and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise ValueError("must be a URL such as http://collector:4318")
        return value

    @field_validator("exporter_otlp_headers", "resource_attributes")
    @classmethod
    def is_list_of_pairs(cls, value: SecretStr | str | None) -> SecretStr | str | None:
        """Both lists must be readable before anything starts."""
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if any(not pair.partition("=")[1] for pair in _split(text or "")):
            raise ValueError("must be a list like name=value,name=value")
        return value

    @classmethod
    def library_problems(cls) -> Sequence[str]:
        """Those of the SDK's own variables."""
        return list(variable_problems(os.environ))

    @property
    def headers(self) -> Mapping[str, str]:
        """Sent with every batch; names in lower case, as gRPC requires."""
        text = self.exporter_otlp_headers.get_secret_value() if self.exporter_otlp_headers else ""
        return {name.lower(): value for name, value in _pairs(text)}

    @property
    def attributes(self) -> Mapping[str, str]:
        """Attributes of the process beyond its name and version."""
        return dict(_pairs(self.resource_attributes))


def _split(text: str) -> list[str]:
    return [pair for pair in text.split(",") if pair.strip()]


def _pairs(text: str) -> list[tuple[str, str]]:
    """The format of W3C Baggage, which OpenTelemetry uses for both lists."""
    split = (pair.partition("=") for pair in _split(text))
    return [(name.strip(), unquote(value.strip())) for name, _, value in split]
