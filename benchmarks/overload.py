"""More requests than a service can do: goodput, probes and memory, against what it can do at its best: `make bench`.

The service has one core, and the generator of the load another one. Two bottlenecks: the database, as each statement
is delayed by 20 ms, and the processor. Then a greedy client beside a modest one.
"""

import asyncio
import json
import os
import statistics
import subprocess
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path

from benchmarks import services
from benchmarks.load import Outcome, Target, closed_loop, open_loop, percentile, probe
from tests import needs, process
from tests.live import databases
from tests.project import Project

ROUNDS, SECONDS, PEAK_SECONDS = 5, 4, 2
PEAK_CLIENTS = (8, 16, 32, 64)
MODEST_RATE, MODEST_SECONDS = 25, 10
OK = 200
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
class Rounds:
    """Rounds of the best load and of too much, in turn: what else the machine does concerns both."""

    peaks: list[Outcome] = field(default_factory=list)
    loads: list[Outcome] = field(default_factory=list)
    probes: dict[str, list[float]] = field(default_factory=lambda: {path: [] for path in PROBES})
    failed: Counter[str] = field(default_factory=Counter)
    megabytes: int = 0

    def show(self, name: str, megabytes: int) -> None:
        """Print a line of the table."""
        pairs = list(zip(self.loads, self.peaks, strict=True))
        goodput = statistics.median(load.goodput / peak.goodput for load, peak in pairs)
        per_cpu = statistics.median(
            load.goodput / load.share * peak.share / peak.goodput for load, peak in pairs if load.share
        )
        latencies = [each for load in self.loads for each in load.latencies]
        statuses = sum((load.statuses for load in self.loads), Counter[int]())
        total = sum(statuses.values())
        others = ", ".join(f"{status or 'none'} {n / total:.0%}" for status, n in statuses.items() if status != OK)
        probes = ", ".join(
            f"{path.rpartition('/')[2]} {percentile(taken, 50):.0f}/{percentile(taken, 99):.0f}"
            + (f" ({self.failed[path]} of {len(taken)} failed)" if self.failed[path] else "")
            for path, taken in self.probes.items()
        )
        print(f"  {name:14} goodput {goodput:.2f} of the peak, {per_cpu:.2f} for the same CPU time;", end=" ")
        print(f"p50/p99 {percentile(latencies, 50):.0f}/{percentile(latencies, 99):.0f} ms, {probes};", end=" ")
        without = sum(each.without_retry_after for each in self.loads)
        print(f"others: {others or 'none'}, {without} without Retry-After;", end=" ")
        print(f"{megabytes} -> {self.megabytes} MB", flush=True)


class Bench:
    """A running service on a core of its own."""

    def __init__(self, service: process.Service, pool: ProcessPoolExecutor) -> None:
        for thread in Path(f"/proc/{service.process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {SERVICE_CORE})
        self._service = service
        self._pool = pool
        connection = HTTPConnection("127.0.0.1", service.port)
        connection.request("POST", "/v1/orders", DRAFT, {"content-type": "application/json"})
        path = f"/v1/orders/{json.loads(connection.getresponse().read())['id']}"
        connection.close()
        self.target = Target(service.port, service.process.pid, path)
        self.megabytes = self._memory("VmRSS")

    async def best(self, name: str) -> int:
        """The number of clients with the most answers."""
        await closed_loop(self.target, PEAK_CLIENTS[-1], 1)  # connections to the database are opened
        peaks = {clients: await closed_loop(self.target, clients, PEAK_SECONDS) for clients in PEAK_CLIENTS}
        clients, peak = max(peaks.items(), key=lambda pair: pair[1].goodput)
        print(f"{name}: peak {peak.goodput:.0f}/s with {clients} clients, {peak.share:.2f} of a core", end="")
        print(f", p50/p99 {peak.percentile(50):.1f}/{peak.percentile(99):.1f} ms", flush=True)
        return clients

    async def rounds(self, name: str, clients: int, load: Callable[[Outcome], Awaitable[Outcome]]) -> None:
        """Measure and show.

        Args:
            name: of the load.
            clients: of the peak.
            load: takes the outcome of the peak.
        """
        loop = asyncio.get_running_loop()
        rounds = Rounds()
        for _ in range(ROUNDS):
            rounds.peaks.append(await closed_loop(self.target, clients, PEAK_SECONDS))
            probes = [loop.run_in_executor(self._pool, probe, self.target.port, path, SECONDS) for path in PROBES]
            rounds.loads.append(await load(rounds.peaks[-1]))
            for path, (taken, failed) in zip(PROBES, await asyncio.gather(*probes), strict=True):
                rounds.probes[path] += taken
                rounds.failed[path] += failed
        rounds.megabytes = self._memory("VmHWM")
        rounds.show(name, self.megabytes)

    async def times(self, clients: int, factor: int) -> None:
        """So many times the arrivals of the peak, whatever the answers are."""

        async def load(peak: Outcome) -> Outcome:
            return await open_loop(self.target, factor * peak.goodput, SECONDS)

        await self.rounds(f"{factor} x arrivals", clients, load)

    def _memory(self, name: str) -> int:
        lines = Path(f"/proc/{self.target.process}/status").read_text().splitlines()
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


async def bound_by_database(bench: Bench) -> None:
    """Ten times the arrivals that the database can do."""
    clients = await bench.best("statements delayed by 20 ms")
    for factor in (2, 10):
        await bench.times(clients, factor)


async def bound_by_processor(bench: Bench) -> None:
    """Ten times the clients, and twice the arrivals."""
    clients = await bench.best("bound by the processor")
    await bench.rounds(f"{10 * clients} clients", clients, lambda _: closed_loop(bench.target, 10 * clients, SECONDS))
    await bench.times(clients, 2)


async def greedy_beside_modest(bench: Bench) -> None:
    """A client within its quota, alone and beside one far above it, which are told apart by their addresses."""
    modest, greedy = (replace(bench.target, address=f"127.0.0.{number}") for number in (2, 3))
    await closed_loop(replace(bench.target, address="127.0.0.4"), 8, 1)
    print(f"a modest client, {MODEST_RATE}/s, beside a greedy one that may send 50/s")
    for rate in (100, 500, 1_000):
        alone, beside, refused = list[Outcome](), list[Outcome](), Counter[int]()
        for _ in range(2):
            alone.append(await open_loop(modest, MODEST_RATE, MODEST_SECONDS, 30))
            other = asyncio.create_task(open_loop(greedy, rate, MODEST_SECONDS, 100))
            beside.append(await open_loop(modest, MODEST_RATE, MODEST_SECONDS, 30))
            refused += (await other).statuses
        p99 = [percentile([each for run in runs for each in run.latencies], 99) for runs in (alone, beside)]
        statuses = dict(sum((each.statuses for each in beside), Counter[int]()))
        print(f"  {rate:5}/s: p99 {p99[0]:.1f} -> {p99[1]:.1f} ms, {p99[1] / p99[0]:.2f} x;", end=" ")
        print(f"modest {statuses}, greedy {dict(refused)}", flush=True)


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
