"""Sends requests over HTTP/1.1 as fast as one core allows: in a closed loop, or at a rate whatever the answers are."""

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_SECONDS = 0.002
# After the last request: what is not answered by then is lost.
PATIENCE_SECONDS = 5
# Opened before, as those of a proxy are: more than the service handles and lets wait.
CONNECTIONS = 600
OK = 200


@dataclass(frozen=True)
class Target:
    """Where requests go, to which process, from which address they come, and the access token that they bring."""

    port: int
    process: int
    path: str
    address: str = "127.0.0.1"
    token: str = ""

    @property
    def request(self) -> bytes:
        """As it is sent."""
        credentials = f"authorization: Bearer {self.token}\r\n" if self.token else ""
        return f"GET {self.path} HTTP/1.1\r\nhost: service\r\n{credentials}\r\n".encode()

    def cpu_seconds(self) -> float:
        """Processor time of the service so far."""
        return int(Path(f"/proc/{self.process}/schedstat").read_text().split()[0]) / 1e9  # of its only busy thread


@dataclass
class Outcome:
    """The answers of one run.

    Args:
        seconds: for which requests were sent.
        statuses: how many of each; 0 for requests that had none.
        latencies: of those answered 200, in seconds from when they were due, not from when there was a connection.
        without_retry_after: answers 503 or 429 that lack the header.
        cpu_seconds: processor time of the service.
    """

    seconds: float = 0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    without_retry_after: int = 0
    cpu_seconds: float = 0

    @property
    def goodput(self) -> float:
        """Requests answered 200, per second."""
        return self.statuses[OK] / self.seconds

    @property
    def share(self) -> float:
        """Of a core, that the service had: less than 1 if it waited, or if the machine had other work."""
        return self.cpu_seconds / self.seconds

    def percentile(self, percent: float) -> float:
        """Of the latencies, in milliseconds."""
        return percentile(self.latencies, percent)


def percentile(seconds: list[float], percent: float) -> float:
    """In milliseconds; NaN of nothing."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1_000 if ordered else float("nan")


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request in flight."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._received = b""
        self._due = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, due: float) -> None:
        """Send the request of that time."""
        assert self._transport  # noqa: S101
        self._due = due
        self._transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        lower = head.lower()
        length = int(lower.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._received = b""
        due, self._due = self._due, 0.0
        self._load.answered(self, int(head[9:12]), due, retry=b"\r\nretry-after: " in lower)

    def connection_lost(self, _: Exception | None) -> None:
        self._load.lost(self, in_flight=self._due > 0)

    def close(self) -> None:
        """Close it; what is in flight is lost."""
        if self._transport:
            self._transport.abort()


class _Load:
    """The connections of one client, and what was answered to it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.request = target.request
        self.outcome = Outcome()
        self.idle: deque[_Connection] = deque()
        self.connections: set[_Connection] = set()
        self.in_flight = 0
        self._begun = 0.0
        self.on_answer: Callable[[_Connection], None] = self.idle.append

    async def connect(self) -> _Connection:
        """Open another connection."""
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: _Connection(self), "127.0.0.1", self.target.port, local_addr=(self.target.address, 0)
        )
        self.connections.add(connection)
        return connection

    def send(self, connection: _Connection, due: float) -> None:
        """One request on an idle connection."""
        self.in_flight += 1
        connection.send(due)

    def answered(self, connection: _Connection, status: int, due: float, *, retry: bool) -> None:
        """Record an answer."""
        self.in_flight -= 1
        self.outcome.statuses[status] += 1
        if status == OK:
            self.outcome.latencies.append(time.perf_counter() - due)
        elif status in {429, 503} and not retry:
            self.outcome.without_retry_after += 1
        self.on_answer(connection)

    def lost(self, connection: _Connection, *, in_flight: bool) -> None:
        """Record the end of a connection."""
        self.connections.discard(connection)
        if in_flight:
            self.in_flight -= 1
            self.outcome.statuses[0] += 1
        elif connection in self.idle:
            self.idle.remove(connection)

    def begin(self) -> float:
        """Every connection is open; returns the time."""
        self.outcome.cpu_seconds = -self.target.cpu_seconds()
        self._begun = time.perf_counter()
        return self._begun

    async def finish(self) -> Outcome:
        """Wait for the answers that are missing, and close every connection."""
        self.outcome.seconds = time.perf_counter() - self._begun
        self.outcome.cpu_seconds += self.target.cpu_seconds()
        self.on_answer = self.idle.append
        deadline = time.perf_counter() + PATIENCE_SECONDS
        while self.in_flight and time.perf_counter() < deadline:  # noqa: ASYNC110 - a generator for two ways to send
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            connection.close()
        await asyncio.sleep(0.05)
        return self.outcome


async def closed_loop(target: Target, clients: int, seconds: float) -> Outcome:
    """So many clients, each of which sends the next request once it has the answer to the last."""
    load = _Load(target)
    connections = [await load.connect() for _ in range(clients)]
    begun = load.begin()
    load.on_answer = lambda connection: load.send(connection, time.perf_counter())
    for connection in connections:
        load.send(connection, begun)
    await asyncio.sleep(seconds)
    return await load.finish()


async def open_loop(target: Target, rate: float, seconds: float, connections: int = CONNECTIONS) -> Outcome:
    """Requests arrive at a rate, whatever becomes of those before; what finds no idle connection is lost."""
    load = _Load(target)
    load.idle.extend([await load.connect() for _ in range(connections)])
    begun = load.begin()
    sent = 0
    while (elapsed := time.perf_counter() - begun) < seconds:
        while sent < elapsed * rate:
            if load.idle:
                load.send(load.idle.pop(), begun + sent / rate)
            else:
                load.outcome.statuses[0] += 1
            sent += 1
        await asyncio.sleep(TICK_SECONDS)
    return await load.finish()


def probe(port: int, path: str, seconds: float, interval_seconds: float = 0.05) -> tuple[list[float], int]:
    """Ask as the kubelet does, on a new connection each time: how long each took, and how many failed."""
    taken, failed = list[float](), 0
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", path)
            failed += connection.getresponse().status != OK
        except OSError:
            failed += 1
        finally:
            connection.close()
        taken.append(time.perf_counter() - begun)
        time.sleep(max(0.0, begun + interval_seconds - time.perf_counter()))
    return taken, failed
