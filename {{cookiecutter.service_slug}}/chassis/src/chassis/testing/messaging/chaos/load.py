"""Clients that write: each request with an idempotency key, repeated until it is answered."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import httpx2

WRITERS = 10
PAUSE_SECONDS = 0.03
REPEAT_SECONDS = 0.05
TIMEOUT_SECONDS = 10
# The answer may be different next time: a conflict, an error of the service, or the service is not available.
REPEATED = {409, 500, 503}


@dataclass
class Ledger:
    """The acknowledged changes.

    Attributes:
        versions: of each aggregate, by its kind and id; a version counts the events so far.
        answers: how many changes were acknowledged.
        repeated: how many requests had to be repeated.
        refused: requests that were refused; there must be none.
    """

    versions: dict[tuple[str, UUID], int] = field(default_factory=dict)
    answers: int = 0
    repeated: int = 0
    refused: list[str] = field(default_factory=list)

    @property
    def events(self) -> int:
        """How many events belong to the acknowledged changes."""
        return sum(self.versions.values())

    def acknowledge(self, aggregate: str, shown: Mapping[str, object]) -> None:
        """Enter an aggregate as an answer shows it."""
        self.answers += 1
        id, version = UUID(str(shown["id"])), int(str(shown["version"]))
        self.versions[aggregate, id] = max(version, self.versions.get((aggregate, id), 0))


class LifeEnds(Exception):
    """The load ends, or a request was refused."""


class Client:
    """Sends the requests of one aggregate's life."""

    def __init__(self, http: httpx2.AsyncClient, aggregate: str, ledger: Ledger, stop: asyncio.Event) -> None:
        self._http = http
        self._aggregate = aggregate
        self._ledger = ledger
        self._stop = stop

    async def send(self, method: str, url: str, body: object = None) -> httpx2.Response:
        """Send a change until it is acknowledged; the answer shows the aggregate with `id` and `version`."""
        await asyncio.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311
        if self._stop.is_set():
            raise LifeEnds
        headers = {"idempotency-key": str(uuid4()), "if-match": "*"}
        while True:
            with suppress(httpx2.HTTPError):
                response = await self._http.request(method, url, json=body, headers=headers)
                if response.is_success:
                    self._ledger.acknowledge(self._aggregate, response.json())
                    return response
                if response.status_code not in REPEATED:
                    self._ledger.refused.append(f"{method} {url}: {response.status_code} {response.text}")
                    raise LifeEnds
            self._ledger.repeated += 1
            await asyncio.sleep(REPEAT_SECONDS)


# One aggregate from its creation to its end. Ends with the exception that `Client.send` raises.
Life = Callable[[Client], Awaitable[None]]


@asynccontextmanager
async def writing(
    base_url: str, lives: Mapping[str, Life], headers: Mapping[str, str] | None = None
) -> AsyncIterator[Ledger]:
    """Clients write inside the block, and wait for their last answers at its end.

    Args:
        base_url: of the API.
        lives: by kind of aggregate, as its events name it.
        headers: of each request.
    """
    ledger, stop = Ledger(), asyncio.Event()
    client = httpx2.AsyncClient(base_url=base_url, timeout=TIMEOUT_SECONDS, headers=headers)
    async with client as http, asyncio.TaskGroup() as tasks:
        for _ in range(WRITERS):
            clients = [(life, Client(http, aggregate, ledger, stop)) for aggregate, life in lives.items()]
            tasks.create_task(_write(clients, stop))
        try:
            yield ledger
        finally:
            stop.set()


async def _write(clients: list[tuple[Life, Client]], stop: asyncio.Event) -> None:
    while not stop.is_set():
        for life, client in clients:
            with suppress(LifeEnds):
                await life(client)
