"""Settings of traces, and the parts of the SDK that they configure."""

import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from chassis.service import ServiceIdentity
from chassis.settings import Environment, InvalidSettings, ServiceSettings, load_settings
from chassis.telemetry.otlp import TracingSettings, process_attributes
from chassis.telemetry.otlp.sdk import create_exporter, create_sampler
from chassis.telemetry.otlp.sdk_variables import VARIABLES

IDENTITY = ServiceIdentity(name="warehouse", title="Warehouse", version="1.2.3", description="Sends parcels.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """As a service declares them."""

    service: ServiceSettings
    tracing: TracingSettings


@pytest.mark.parametrize(
    ("name", "share", "description"),
    [
        ("always_off", 1.0, "AlwaysOffSampler"),
        ("traceidratio", 0.25, "TraceIdRatioBased{0.25}"),
        ("parentbased_always_on", 0.0, "ParentBased{root:AlwaysOnSampler"),
        ("parentbased_traceidratio", 0.1, "ParentBased{root:TraceIdRatioBased{0.1}"),
    ],
)
def test_samplers_have_the_names_of_the_standard(name: str, share: float, description: str) -> None:
    assert create_sampler(name, share).get_description().startswith(description)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_each_protocol_has_its_exporter(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/")
    exporter = create_exporter(TracingSettings())
    assert protocol.partition("/")[0] in type(exporter).__module__
    exporter.shutdown()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hidden"),
        ("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
    ],
)
def test_an_invalid_setting_is_refused_by_its_name(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings) as caught:
        load_settings(Settings)
    [problem] = caught.value.problems
    assert problem.startswith(f"{variable}: ")
    assert "hidden" not in problem


def test_headers_and_attributes_are_lists_of_decoded_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20a=b, x-scope = c,")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=a-pod")
    settings = load_settings(Settings).tracing
    assert settings.headers == {"authorization": "Bearer a=b", "x-scope": "c"}
    assert settings.attributes == {"k8s.pod.name": "a-pod"}


def test_every_span_names_the_pod_that_it_comes_from() -> None:
    pod = process_attributes(IDENTITY, ServiceSettings(environment=Environment.STAGING, build_commit="abc"))
    assert (pod["service.name"], pod["service.version"]) == ("warehouse", "1.2.3")
    assert pod["k8s.pod.name"] == pod["service.instance.id"] == socket.gethostname()
    assert pod["vcs.ref.head.revision"] == "abc"
    assert "k8s.pod.name" not in process_attributes(IDENTITY, ServiceSettings())


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_of_the_sdk_is_refused_by_its_name(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("hidden", "-1", "\udcff"):
        monkeypatch.setenv(variable, value)
        with pytest.raises(InvalidSettings) as caught:
            load_settings(Settings)
        [problem] = caught.value.problems
        assert problem.startswith(f"{variable}: ")
        assert "hidden" not in problem
    monkeypatch.setenv(variable, "")
    load_settings(Settings)


def test_variables_of_the_sdk_that_it_accepts_are_accepted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (file := tmp_path / "ca.pem").touch()
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "4096")
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "0")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(file))
    monkeypatch.setenv("OTEL_PROPAGATORS", "tracecontext, baggage")
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "otel")
    load_settings(Settings)
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")
    with pytest.raises(InvalidSettings, match=r"^OTEL_BSP_MAX_QUEUE_SIZE: must be at least .* 512$"):
        load_settings(Settings)


def test_settings_are_read_before_the_sdk_is_imported() -> None:
    code = "import sys, chassis.telemetry.otlp; sys.exit('opentelemetry.propagate' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
