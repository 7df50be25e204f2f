"""A service that chaos tests run, with the server and the broker that it depends on."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ....messaging.inbox import Subscriptions
from ....messaging.port import Broker, Subscription
from ...faults import fault_proxy
from .judge import Records
from .load import Life

Cut = Callable[[], None]


class BrokerOutage(Protocol):
    """Failures of a broker; `outage_of` in `chassis.testing.brokers` provides them."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings that lead a service to the broker."""
        ...

    async def cut(self) -> None:
        """Break every connection; new ones work."""
        ...

    async def down(self) -> None:
        """Break every connection, and refuse new ones."""
        ...

    async def up(self) -> None:
        """End the outage."""
        ...


@dataclass(frozen=True, kw_only=True)
class ChaosService:
    """A service and what it depends on.

    Args:
        command: that starts it, such as `[sys.executable, "-m", "billing_service"]`; without the command's name.
        settings: environment variables for every process, which lead to the broker and the database that fail.
        lives: what clients do, by kind of aggregate.
        headers: of each request that they send.
        records: the database, read without failures.
        create_broker: the adapter, not opened.
        consumers: of the service, with their handlers.
        outage: the broker's failures.
        cut_database: breaks every connection to the database; None where there are none.
        folder: for logs.
    """

    command: Sequence[str]
    settings: Mapping[str, str]
    lives: Mapping[str, Life]
    records: Records
    create_broker: Callable[[], Broker]
    consumers: Subscriptions
    outage: BrokerOutage
    cut_database: Cut | None
    folder: Path
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def subscriptions(self) -> list[Subscription]:
        """The subscriptions of the consumers."""
        return [Subscription(name, list(handlers)) for name, handlers in self.consumers.items()]


@asynccontextmanager
async def database_connections(url: str, default_port: int | None) -> AsyncIterator[tuple[str, Cut | None]]:
    """Control over the connections to a database, inside the block.

    Args:
        url: of the database.
        default_port: used where the URL names none; None for a file, which has no connections.

    Yields:
        the URL for the service, and what cuts every connection.
    """
    if default_port is None:
        yield url, None
        return
    async with fault_proxy(url, default_port) as proxy:
        yield proxy.url, proxy.cut
