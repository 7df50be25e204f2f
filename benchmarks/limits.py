"""What limits, load shedding and access tokens cost: the CPU time of a get, against one without: `make bench`.

All variants take turns in one run, each is a process of its own; the figures to look at are the differences.
"""

import asyncio
import json
import os
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from benchmarks import services
from benchmarks.load import Target, closed_loop
from tests import needs, process
from tests.live import databases

ROUNDS, SECONDS, CLIENTS = 15, 0.7, 4
SERVICE_CORE, LOAD_CORE = 0, 1
# Serves as the command line does, but for the parts that are named.
WITHOUT = """
import sys
from importlib import import_module

class Nothing:
    def __init__(self, app, **_):
        self.app = app
    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)

package, *parts = sys.argv[1:]
for part in parts:
    setattr(import_module("chassis.http.application"), part, Nothing)
sys.argv[:] = [package, "serve"]
import_module(f"{package}.__main__").main()
"""
LIMITS, SHEDDING = "RequestLimitsMiddleware", "LoadSheddingMiddleware"
# The parts that are left out, and whether rate limits are on.
VARIANTS = {
    "nothing": ((LIMITS, SHEDDING), "off"),
    "limits of size and time": ((SHEDDING,), "off"),
    "shedding": ((LIMITS,), "off"),
    "both": ((), "off"),
    "both, rate limit logs": ((), "log"),
    "both, rate limit is on": ((), "on"),
}
# The same as the last one, in a service that asks for access tokens; one token is used all the time.
TOKENS = "both, on, access tokens"
# Far away, so that every request is answered.
QUOTA = {"HTTP_RATE_LIMIT_READS_PER_SECOND": "100000", "HTTP_RATE_LIMIT_READ_BURST": "1000000"}


@dataclass
class Variant:
    """One way to run the service, and what its requests have cost so far, in seconds of CPU time."""

    target: Target
    costs: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """One more round."""
        outcome = asyncio.run(closed_loop(self.target, CLIENTS, SECONDS))
        self.costs.append(outcome.cpu_seconds / outcome.statuses[200])


def created(service: process.Service, token: str = "") -> Target:
    """A get of a new order; the service is given a core of its own."""
    for thread in Path(f"/proc/{service.process.pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {SERVICE_CORE})
    connection = HTTPConnection("127.0.0.1", service.port)
    draft = json.dumps({"reference": "A-1001", "quantity": 3})
    credentials = {"authorization": f"Bearer {token}"} if token else {}
    connection.request("POST", "/v1/orders", draft, credentials | {"content-type": "application/json"})
    path = f"/v1/orders/{json.loads(connection.getresponse().read())['id']}"
    connection.close()
    return Target(service.port, service.process.pid, path, token=token)


def main() -> None:
    """Print a line for each variant."""
    if not needs.where("PostgreSQL"):
        print("left out, PostgreSQL does not answer")
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        databases.EVERY["postgresql"].fresh(Path(folder)) as url,
        ExitStack() as stack,
    ):
        project = services.generate(Path(folder, "plain"), database="postgresql", broker="none")
        with_tokens = services.generate(Path(folder, "tokens"), database="postgresql", broker="none", auth="jwt")
        project.run(project.slug, "migrate", DATABASE_URL=url)
        token = with_tokens.run(with_tokens.slug, "token").strip()
        os.sched_setaffinity(0, {LOAD_CORE})
        variants: dict[str, Variant] = {}
        for name, (left_out, rate_limit) in (VARIANTS | {TOKENS: ((), "on")}).items():
            served = with_tokens if name == TOKENS else project
            commands = served.environment.bin
            settings = {"DATABASE_URL": url, "LOG_FORMAT": "json", "HTTP_RATE_LIMIT": rate_limit, **QUOTA}
            command = [str(commands / "python"), "-c", WITHOUT, served.package, *left_out]
            environment = process.clean_environment(commands, **settings)
            serving = process.serving(command, served.path, environment, Path(folder) / f"{len(variants)}.log")
            variants[name] = Variant(created(stack.enter_context(serving), token if name == TOKENS else ""))
        for number in range(ROUNDS + 1):
            print(f"\rround {number} of {ROUNDS}", end="", flush=True)
            for variant in variants.values():
                variant.measure()
        base = variants["nothing"].costs[1:]
        print("\rCPU of one get, median, and what it is more than without limits and shedding, median of the rounds")
        for name, variant in variants.items():
            costs = variant.costs[1:]
            more = statistics.median(cost - without for cost, without in zip(costs, base, strict=True))
            ratio = statistics.median(cost / without for cost, without in zip(costs, base, strict=True))
            print(
                f"  {name:24} {statistics.median(costs) * 1e6:6.0f} us {more * 1e6:+5.0f} us {ratio:5.2f}", flush=True
            )


if __name__ == "__main__":
    main()
