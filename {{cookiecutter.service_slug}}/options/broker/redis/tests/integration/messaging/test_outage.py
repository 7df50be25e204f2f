"""Connections that break, a broker that is away, and one that refuses."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis import Redis

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.messaging import select_broker
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
    Broker,
    Dead,
    Delivery,
    Done,
    Retry,
    Subscription,
    Verdict,
)

from ...chaos.outage import Proxy
from ...deliveries import Handled, bodies_of, has_dead, messages, until, until_true

# What docs/topology.md says that the account of the service needs.
RIGHTS = (
    "+evalsha +script|load +xadd +xlen +xtrim +xrange +xdel +xreadgroup +xack +xclaim +xpending +exists "
    "+xgroup|create +xgroup|delconsumer +xinfo|groups +xinfo|consumers "
    "+client|id +client|setname +client|unblock +select +info"
)


@pytest.fixture
async def proxy(broker_settings: BrokerSettings) -> AsyncIterator[Proxy]:
    """Stands between the broker of the test and the server."""
    proxy = Proxy(broker_settings.address)
    await proxy.up()
    yield proxy
    await proxy.down()


@pytest.fixture
async def shaky(broker_settings: BrokerSettings, proxy: Proxy) -> AsyncIterator[Broker]:
    """A broker behind it; not opened."""
    url = SecretStr(proxy.environment["BROKER_URL"])
    broker = select_broker(broker_settings.model_copy(update={"url": url}))
    yield broker
    await broker.close()


def now_and_then(delivery: Delivery) -> Verdict:
    """Every verdict there is."""
    number = int(delivery.body)
    if number % 5 == 0 and delivery.attempt == 1:
        return Retry(0.05, "not yet")
    return Dead("no") if number % 50 == 0 else Done()


async def test_nothing_is_lost_when_connections_break_while_publishing_and_consuming(
    shaky: Broker, proxy: Proxy, broker: Broker, type: str, subscription: Subscription
) -> None:
    handled = Handled(now_and_then)
    sent = messages(type, 1_000)

    async def cutting() -> None:
        for _ in range(10):
            await asyncio.sleep(0.02)
            await proxy.cut()

    async with shaky.consuming(subscription, handled, 16):
        breaking = asyncio.create_task(cutting())
        for start in range(0, len(sent), 20):
            await publish(shaky, type, [message.body for message in sent[start : start + 20]])
        await breaking
        await handled.wait_for(*bodies_of(sent))
        await until_true(lambda: settled(broker, subscription))
    letters = await broker.dead_letters(subscription, 100)
    assert {letter.body for letter in letters} == {b"%d" % number for number in range(0, 1_000, 50)}


async def publish(broker: Broker, type: str, bodies: list[bytes]) -> None:
    """As the relay does: again, until it is confirmed."""
    batch = messages(type, len(bodies))
    batch = [message.__class__(message.id, type, "key", body) for message, body in zip(batch, bodies, strict=True)]
    while True:
        try:
            assert set(await broker.publish(batch)) == {message.id for message in batch}
        except Unavailable:
            await asyncio.sleep(0.01)
        else:
            return


async def settled(broker: Broker, subscription: Subscription) -> bool:
    """Whether nothing waits any more."""
    return (await broker.depth(subscription)).waiting == 0


async def test_starts_without_a_broker_and_consumes_as_soon_as_it_is_there(
    shaky: Broker, proxy: Proxy, broker: Broker, type: str, subscription: Subscription
) -> None:
    await proxy.down()
    await shaky.open()
    with pytest.raises(Unavailable, match="cannot be reached"):
        await shaky.check()
    with pytest.raises(Unavailable, match="cannot be reached"):
        await shaky.publish(messages(type, 1))
    handled = Handled()
    async with shaky.consuming(subscription, handled, 1):
        sent = messages(type, 3)
        await broker.publish(sent)
        await proxy.up()
        await handled.wait_for(*bodies_of(sent))
        await shaky.check()


async def test_ends_in_time_while_the_broker_is_away(
    shaky: Broker, proxy: Proxy, type: str, subscription: Subscription
) -> None:
    handled = Handled(gate=asyncio.Event())
    async with asyncio.timeout(20):
        async with shaky.consuming(subscription, handled, 1):
            await shaky.publish(messages(type, 1))
            await until(lambda: handled.running == 1)
            await proxy.down()
            assert handled.gate is not None
            handled.gate.set()
    assert len(handled.deliveries) == 1


async def test_a_server_that_does_not_answer_holds_nobody_longer_than_allowed(
    broker_settings: BrokerSettings, type: str
) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as nobody:
        url = SecretStr(f"redis://127.0.0.1:{nobody.sockets[0].getsockname()[1]}/0")
        broker = select_broker(broker_settings.model_copy(update={"url": url, "publish_timeout_seconds": 0.2}))
        with pytest.raises(Unavailable, match="no answer in time"):
            await broker.publish(messages(type, 1))
        await broker.close()


@pytest.fixture
def account(server: Redis) -> Iterator[str]:
    """The name of an account that may do what the service has to, and nothing else; its password is `right`."""
    name = f"test-{uuid4().hex}"
    keys = ["events:test-*", "test-*"]
    server.acl_setuser(name, enabled=True, passwords=["+right"], keys=keys, commands=RIGHTS.split())
    yield name
    server.acl_deluser(name)


def url_of(url: str, account: str, password: str) -> SecretStr:
    """The server, by way of an account."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return SecretStr(urlunsplit(parts._replace(netloc=f"{account}:{password}@{place}")))


async def test_an_account_needs_the_rights_that_are_written_down(
    broker_settings: BrokerSettings, broker_url: str, account: str, type: str, subscription: Subscription
) -> None:
    url = url_of(broker_url, account, "right")
    broker = select_broker(broker_settings.model_copy(update={"url": url}))
    handled = Handled(lambda delivery: Retry(0, "again") if delivery.attempt == 1 else Dead("no"))
    async with broker.consuming(subscription, handled, 1):
        await broker.publish(messages(type, 1))
        await until_true(lambda: has_dead(broker, subscription, 1))
        [letter] = await broker.dead_letters(subscription, 10)
        await broker.replay(subscription, letter.id)
        await until_true(lambda: has_dead(broker, subscription, 1))
    await broker.check()
    with pytest.raises(Unavailable, match="rights are missing"):
        await broker.publish(messages("elsewhere.thing.created", 1))
    await broker.close()


async def test_says_that_credentials_are_refused_without_telling_them(
    broker_settings: BrokerSettings, broker_url: str, account: str
) -> None:
    broker = select_broker(broker_settings.model_copy(update={"url": url_of(broker_url, account, "w-r-o-n-g")}))
    with pytest.raises(Unavailable, match="credentials are refused") as error:
        await broker.check()
    await broker.close()
    assert "w-r-o-n-g" not in str(error.value)
