"""The connection breaks, or the server is away: nothing is lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.messaging import handlers, topology
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
    Broker,
    Depth,
    Message,
    Subscription,
)

from ...brokers import CONCURRENCY, BrokerFixtures
from ...chaos.outage import Outage, Proxy
from ...deliveries import Handled, bodies_of, messages, until, until_true
from .conftest import opened, url_of

CUTS = 8


@pytest.fixture
async def outage(broker_settings: BrokerSettings) -> AsyncIterator[Proxy]:
    """Stands between the server and those who use its URL."""
    proxy = Proxy(url_of(broker_settings))
    await proxy.up()
    yield proxy
    await proxy.down()


@pytest.fixture
async def shaken(outage: Outage, broker_settings: BrokerSettings) -> AsyncIterator[Broker]:
    """An open broker behind that."""
    async with opened(behind(outage, broker_settings)) as broker:
        yield broker


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was lost on its way comes again soon."""
    monkeypatch.setattr(topology, "ACK_WAIT_SECONDS", 1.0)
    monkeypatch.setattr(handlers, "ALIVE_SECONDS", 0.3)


def behind(outage: Outage, settings: BrokerSettings) -> BrokerSettings:
    """Settings that lead through the proxy."""
    return settings.model_copy(update={"url": SecretStr(outage.environment["BROKER_URL"])})


async def publish(broker: Broker, sent: list[Message]) -> None:
    """As the relay does: what is not confirmed is published again."""
    while sent:
        try:
            confirmed = set(await broker.publish(sent))
        except Unavailable:
            confirmed = set()
            await asyncio.sleep(0.02)
        sent = [message for message in sent if message.id not in confirmed]


class TestOutage(BrokerFixtures):
    """Seen from a process behind a bad network."""

    async def test_nothing_is_lost_when_connections_are_cut(
        self, shaken: Broker, outage: Outage, subscription: Subscription, type: str
    ) -> None:
        sent = messages(type, 4_000)
        handled = Handled()

        async def publishing() -> None:
            for start in range(0, len(sent), 100):
                await publish(shaken, sent[start : start + 100])

        async with shaken.consuming(subscription, handled, CONCURRENCY):
            task = asyncio.create_task(publishing())
            for cut in range(1, CUTS + 1):
                await until(lambda goal=cut: len(handled.deliveries) >= goal * len(sent) / (CUTS + 2))  # type: ignore[misc]
                await outage.cut()
            await task
            await until(lambda: set(bodies_of(sent)) <= set(handled.bodies))
            await until_true(lambda: is_settled(shaken, subscription))

    async def test_a_server_that_is_away_at_the_start_is_used_as_soon_as_it_is_there(
        self, outage: Outage, broker: Broker, broker_settings: BrokerSettings, subscription: Subscription, type: str
    ) -> None:
        await outage.down()
        handled = Handled()
        sent = messages(type, 20)
        async with opened(behind(outage, broker_settings)) as early:
            with pytest.raises(Unavailable, match="cannot be reached"):
                await early.check()
            with pytest.raises(Unavailable, match="cannot be reached"):
                await early.publish(sent)
            async with early.consuming(subscription, handled, CONCURRENCY):
                await broker.publish(sent)
                await outage.up()
                await handled.wait_for(*bodies_of(sent))
                await early.check()

    async def test_ends_in_order_while_the_server_is_away(
        self, shaken: Broker, outage: Outage, subscription: Subscription, type: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(handlers, "PATIENCE_SECONDS", 0.1)
        held = Handled(gate=asyncio.Event())
        sent = messages(type, 3)
        async with shaken.consuming(subscription, held, CONCURRENCY):
            await publish(shaken, sent)
            await until(lambda: held.running == 3)
            await outage.down()
            assert held.gate is not None
            held.gate.set()
        await outage.up()
        again = Handled()
        async with shaken.consuming(subscription, again, CONCURRENCY):
            await again.wait_for(*bodies_of(sent))


async def is_settled(broker: Broker, subscription: Subscription) -> bool:
    """Whether nothing waits there any more."""
    return await broker.depth(subscription) == Depth(waiting=0, dead=0)
