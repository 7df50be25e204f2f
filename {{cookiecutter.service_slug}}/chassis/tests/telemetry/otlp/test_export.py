"""Traces of a process, as a collector receives them."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chassis.testing.otlp.collector import collecting, tree

ROOT = Path(__file__).parents[3]
TIMEOUT_SECONDS = 30
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def run_traced_process(**variables: str) -> list[dict[str, Any]]:
    """Run a process until it ends by itself; returns its log."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.telemetry.otlp.traced_process", TRACE, CALLER],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_request_and_its_statement_are_one_trace_that_continues_the_callers(protocol: str) -> None:
    with collecting(protocol) as collector:
        run_traced_process(
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
            OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
            OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20a-token",
            OTEL_RESOURCE_ATTRIBUTES="k8s.pod.name=a-pod",
        )
    server, statement = collector.of(TRACE)
    assert (server.name, server.parent) == ("request", CALLER)
    assert tree([server, statement]) == "request  [server]\n   INSERT stock  [client]"
    assert collector.headers[0]["authorization"] == "Bearer a-token"
    assert server.process.items() >= {
        ("service.name", "warehouse"),
        ("service.version", "1.2.3"),
        ("deployment.environment.name", "local"),
        ("k8s.pod.name", "a-pod"),
    }


def test_a_collector_that_never_answers_loses_spans_and_does_not_hold_up_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        lines = run_traced_process(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}",
            OTEL_EXPORTER_OTLP_TIMEOUT="60",
        )
    [lost] = [line for line in lines if line["logger"] == "tracing"]
    assert (lost["event"], lost["level"]) == ("spans lost at shutdown: collector does not answer", "warning")


def test_without_a_collector_nothing_is_exported_and_one_line_says_so() -> None:
    lines = run_traced_process()
    assert [line["event"] for line in lines] == ["trace export disabled: OTEL_EXPORTER_OTLP_ENDPOINT is not set"]


def test_traces_can_be_switched_off() -> None:
    with collecting("http/protobuf") as collector:
        assert run_traced_process(OTEL_SDK_DISABLED="true", OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint) == []
    assert collector.spans == []
