"""More requests than a service can do: goodput, probes and memory, against what it can do at its best: `make bench`.

The service has one core, and the generator of the load another one. Two bottlenecks: the database, as each statement
is delayed by 20 ms, and the processor. Then a greedy client beside a modest one.
"""

import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import Awaitable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from benchmarks import services
from benchmarks.load import Outcome, Target, closed_loop, open_loop, percentile, probe
from tests import needs, process
from tests.live import databases
from tests.project import Project

SECONDS = 10
PEAK_SECONDS = 3
PEAK_CLIENTS = (8, 16, 32, 64)
SERVICE_CORE, LOAD_CORE = 0, 1
DRAFT = json.dumps({"reference": "A-1001", "quantity": 3})
PROBES = ("/health/live", "/health/ready")
# Half of the delay in each direction.
PROXY = """
import asyncio, sys
from chassis.testing.faults import fault_proxy

async def main():
    async with fault_proxy(sys.argv[1], 5432) as proxy:
        proxy.latency_seconds = float(sys.argv[2]) / 2
        print(proxy.url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@dataclass
class Peak:
    """The best that a closed loop gets."""

    clients: int
    outcome: Outcome


@dataclass
class Measured:
    """A run under too much load."""

    outcome: Outcome
    probes: dict[str, tuple[list[float], int]]
    memory: tuple[int, int]


class Bench:
    """A running service on a core of its own."""

    def __init__(self, service: process.Service, pool: ProcessPoolExecutor) -> None:
        for thread in Path(f"/proc/{service.process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {SERVICE_CORE})
        self._service = service
        self._pool = pool
        connection = HTTPConnection("127.0.0.1", service.port)
        connection.request("POST", "/v1/orders", DRAFT, {"content-type": "application/json"})
        self.path = f"/v1/orders/{json.loads(connection.getresponse().read())['id']}"
        connection.close()

    def target(self, address: str = "127.0.0.1") -> Target:
        """A get by id."""
        return Target(self._service.port, self.path, address)

    async def peak(self) -> Peak:
        """The number of clients with the most answers."""
        await closed_loop(self.target(), PEAK_CLIENTS[-1], 1)  # connections to the database are opened
        peaks = []
        for clients in PEAK_CLIENTS:
            peaks.append(Peak(clients, await self._timed(closed_loop(self.target(), clients, PEAK_SECONDS))))
        return max(peaks, key=lambda peak: peak.outcome.goodput)

    async def measured(self, load: Awaitable[Outcome]) -> Measured:
        """The outcome of a load, with probes beside it."""
        loop = asyncio.get_running_loop()
        before = self._memory("VmRSS")
        probes = [
            loop.run_in_executor(self._pool, probe, self._service.port, path, SECONDS - 0.5) for path in PROBES
        ]
        outcome = await self._timed(load)
        seen = dict(zip(PROBES, await asyncio.gather(*probes), strict=True))
        return Measured(outcome, seen, (before, self._memory("VmHWM")))

    async def _timed(self, load: Awaitable[Outcome]) -> Outcome:
        before = self._cpu_seconds()
        outcome = await load
        outcome.cpu_seconds = self._cpu_seconds() - before
        return outcome

    def _cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self._service.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100  # clock ticks of user and kernel

    def _memory(self, name: str) -> int:
        lines = Path(f"/proc/{self._service.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) // 1024


@contextmanager
def delayed(project: Project, url: str, seconds: float) -> Iterator[str]:
    """The URL of the database with a delay of each statement."""
    command = [str(project.environment.bin / "python"), "-c", PROXY, url, str(seconds)]
    with subprocess.Popen(command, cwd=project.path, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout  # noqa: S101
        try:
            yield proxy.stdout.readline().strip()
        finally:
            proxy.terminate()


def show(name: str, measured: Measured, peak: Peak) -> None:
    """A line of the table."""
    outcome = measured.outcome
    others = {status: count for status, count in sorted(outcome.statuses.items()) if status != 200}  # noqa: PLR2004
    probes = "  ".join(
        f"{path.rpartition('/')[2]} p99 {percentile(taken, 99):5.0f} ms, {failed} of {len(taken)} failed"
        for path, (taken, failed) in measured.probes.items()
    )
    print(f"  {name:22} {outcome.goodput:6.0f}/s {outcome.goodput / peak.outcome.goodput:5.2f} of the peak", end="")
    print(f" ({outcome.share:.2f} of a core)", end="")
    print(f"  p50 {outcome.percentile(50):5.0f}  p99 {outcome.percentile(99):5.0f} ms  {probes}", end="")
    print(f"  RSS {measured.memory[0]} -> at most {measured.memory[1]} MB")
    print(f"    other answers {others}, {outcome.without_retry_after} without Retry-After", flush=True)


def show_peak(name: str, peak: Peak) -> None:
    """The heading of what follows."""
    outcome = peak.outcome
    print(f"{name}: peak {outcome.goodput:.0f}/s with {peak.clients} clients, ", end="")
    print(f"p50 {outcome.percentile(50):.1f}, p99 {outcome.percentile(99):.1f} ms, {outcome.share:.2f} of a core", flush=True)


async def bound_by_database(bench: Bench) -> None:
    """Ten times the arrivals that the database can do."""
    peak = await bench.peak()
    show_peak("statements delayed by 20 ms", peak)
    for times in (2, 10):
        rate = times * peak.outcome.goodput
        show(f"{times} x arrivals", await bench.measured(open_loop(bench.target(), rate, SECONDS)), peak)


async def bound_by_processor(bench: Bench) -> None:
    """Ten times the clients, and twice the arrivals."""
    peak = await bench.peak()
    show_peak("bound by the processor", peak)
    clients = 10 * peak.clients
    show(f"{clients} clients", await bench.measured(closed_loop(bench.target(), clients, SECONDS)), peak)
    rate = 2 * peak.outcome.goodput
    show("2 x arrivals", await bench.measured(open_loop(bench.target(), rate, SECONDS)), peak)


async def greedy_beside_modest(bench: Bench) -> None:
    """A client within its quota, alone and beside one far above it."""
    modest = bench.target("127.0.0.2")
    await closed_loop(bench.target("127.0.0.3"), 8, 1)
    alone = await open_loop(modest, 25, 2 * SECONDS, 30)
    print(f"a modest client, 25/s: alone p50 {alone.percentile(50):.1f}, p99 {alone.percentile(99):.1f} ms", flush=True)
    for rate in (100, 500, 1_000, 2_000):
        greedy = asyncio.create_task(open_loop(bench.target(), rate, 2 * SECONDS))
        beside = await open_loop(modest, 25, 2 * SECONDS, 30)
        print(f"  beside {rate:5}/s of a greedy one: p50 {beside.percentile(50):.1f}, ", end="")
        print(f"p99 {beside.percentile(99):.1f} ms, {beside.percentile(99) / alone.percentile(99):.2f} x; ", end="")
        print(f"{dict(beside.statuses)}; greedy {dict((await greedy).statuses)}", flush=True)


def main() -> None:
    """Print a line for each kind of load."""
    if not needs.where("PostgreSQL"):
        print("left out, PostgreSQL does not answer")
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        databases.EVERY["postgresql"].fresh(Path(folder)) as url,
        ProcessPoolExecutor(len(PROBES)) as pool,
    ):
        project = services.generate(Path(folder), database="postgresql", broker="none")
        project.run(project.slug, "migrate", DATABASE_URL=url)
        os.sched_setaffinity(0, {LOAD_CORE})
        settings = {"LOG_FORMAT": "json", "DATABASE_URL": url}
        with delayed(project, url, 0.02) as slow, project.serving(**settings | {"DATABASE_URL": slow}) as service:
            asyncio.run(bound_by_database(Bench(service, pool)))
        with project.serving(**settings) as service:
            asyncio.run(bound_by_processor(Bench(service, pool)))
        with project.serving(**settings, HTTP_RATE_LIMIT="on") as service:
            asyncio.run(greedy_beside_modest(Bench(service, pool)))


if __name__ == "__main__":
    main()
