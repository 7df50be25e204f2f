"""What traces and metrics cost: the CPU time of a request, against the same service without: `make bench`.

The figures to look at are the ratios. All variants take turns in one run, each is a process of its own, and what is
counted is the processor time of that process, so that neither the client nor the collector is part of it.
"""

import json
import statistics
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from benchmarks import services
from tests import needs, process
from tests.live import databases
from tests.project import Project

ROUNDS, REQUESTS, CLIENTS = 7, 1_500, 4
DRAFT = json.dumps({"reference": "A-1001", "quantity": 3})
JSON = {"content-type": "application/json"}
# Serves as the command line does, but for the figures of requests and events.
WITHOUT_METRICS = """
import sys
from importlib import import_module
package = sys.argv.pop(1)
import_module("chassis.http.metrics").HttpMetrics.observe = lambda *_: None
import_module("chassis.telemetry.events").EventMetrics.__call__ = lambda *_: None
sys.argv[0] = package
import_module(f"{package}.__main__").main()
"""


@dataclass
class Variant:
    """One way to run the service, and what its requests have cost so far, in seconds of CPU time."""

    name: str
    service: process.Service
    read: list[float] = field(default_factory=list)
    create: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """One more round of both kinds of requests."""
        connection = HTTPConnection("127.0.0.1", self.service.port)
        connection.request("POST", "/v1/orders", DRAFT, JSON)
        path = json.loads(connection.getresponse().read())["id"]
        self.read.append(self._cost("GET", f"/v1/orders/{path}", None))
        self.create.append(self._cost("POST", "/v1/orders", DRAFT))

    def _cost(self, method: str, path: str, body: str | None) -> float:
        before = self._cpu_seconds()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda _: self._send(method, path, body), range(CLIENTS)))
        return (self._cpu_seconds() - before) / REQUESTS

    def _send(self, method: str, path: str, body: str | None) -> None:
        connection = HTTPConnection("127.0.0.1", self.service.port)
        for _ in range(REQUESTS // CLIENTS):
            connection.request(method, path, body, JSON if body else {})
            response = connection.getresponse()
            response.read()
            if response.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
                raise RuntimeError(f"{method} {path}: {response.status}")

    def _cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.service.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100  # clock ticks of user and kernel


@contextmanager
def collector() -> Iterator[str]:
    """Takes spans and throws them away; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def running(folder: Path, url: str, endpoint: str) -> Iterator[list[Variant]]:
    """Every variant, as a process."""
    traced = services.generate(folder / "traced", database="postgresql", broker="none")
    plain = services.generate(folder / "plain", database="postgresql", broker="none", tracing="none")
    plain.run(plain.slug, "migrate", DATABASE_URL=url)
    settings = {"DATABASE_URL": url, "LOG_FORMAT": "json", "OTEL_BSP_MAX_QUEUE_SIZE": "65536"}
    every = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_TRACES_SAMPLER_ARG": "1"}
    with ExitStack() as stack:

        def variant(name: str, project: Project, **more: str) -> Variant:
            return Variant(name, stack.enter_context(project.serving(**settings, **more)))

        yield [
            variant("without traces", plain),
            Variant("without metrics", stack.enter_context(without_metrics(plain, folder, settings))),
            variant("traces, none recorded", traced, **every | {"OTEL_TRACES_SAMPLER_ARG": "0"}),
            variant("traces, 10 % recorded", traced, **every | {"OTEL_TRACES_SAMPLER_ARG": "0.1"}),
            variant("traces, all recorded", traced, **every),
        ]


def without_metrics(
    project: Project, folder: Path, settings: dict[str, str]
) -> AbstractContextManager[process.Service]:
    """The service, but for the figures of requests and events."""
    commands = project.environment.bin
    command = [str(commands / "python"), "-c", WITHOUT_METRICS, project.package, "serve"]
    return process.serving(command, project.path, process.clean_environment(commands, **settings), folder / "log")


def main() -> None:
    """Print a line for each variant."""
    if not needs.where("PostgreSQL"):
        print("left out, PostgreSQL does not answer")
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        databases.EVERY["postgresql"].fresh(Path(folder)) as url,
        collector() as endpoint,
        running(Path(folder), url, endpoint) as variants,
    ):
        for number in range(ROUNDS + 1):
            print(f"\rround {number} of {ROUNDS}", end="", flush=True)
            for variant in variants:
                variant.measure()
        base = variants[0]
        print("\rCPU of one request, median, and its ratio to the service without traces")
        for variant in variants:
            read, create = (statistics.median(costs[1:]) for costs in (variant.read, variant.create))
            ratios = (read / statistics.median(base.read[1:]), create / statistics.median(base.create[1:]))
            print(f"  {variant.name:24} read {read * 1e6:6.0f} us {ratios[0]:5.2f}", end="")
            print(f"   create {create * 1e6:6.0f} us {ratios[1]:5.2f}", flush=True)


if __name__ == "__main__":
    main()
