"""The adapter loses nothing when the network or the server fails."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from pydantic import SecretStr

from chassis.errors import Unavailable
from chassis.messaging.brokers.rabbitmq import BrokerSettings, RabbitBroker
from chassis.messaging.port import Dead, Subscription
from chassis.testing.brokers import (
    CONCURRENCY,
    RecordingHandler,
    bodies_of,
    eventually,
    eventually_true,
    has_dead,
    new_messages,
    publish_all,
)
from chassis.testing.faults import FaultProxy

from .conftest import opened


async def test_nothing_is_lost_when_the_connection_is_cut_while_publishing(
    proxied: RabbitBroker, broker: RabbitBroker, proxy: FaultProxy, subscription: Subscription, type: str
) -> None:
    handler = RecordingHandler()
    sent = new_messages(type, 1500)
    async with broker.consuming(subscription, handler, CONCURRENCY):
        publishing = asyncio.create_task(publish_all(proxied, sent))
        for cut_after in (100, 500, 1000):
            await eventually(lambda enough=cut_after: len(handler.deliveries) > enough)  # type: ignore[misc]
            proxy.cut()
        await publishing
        await handler.wait_for(*bodies_of(sent))


async def test_nothing_is_lost_when_the_connection_is_cut_while_consuming(
    proxied: RabbitBroker, broker: RabbitBroker, proxy: FaultProxy, subscription: Subscription, type: str
) -> None:
    handler = RecordingHandler()
    sent = new_messages(type, 1500)
    async with proxied.consuming(subscription, handler, CONCURRENCY):
        await broker.publish(sent)
        for cut_after in (100, 500, 1000):
            await eventually(lambda enough=cut_after: len(handler.deliveries) > enough)  # type: ignore[misc]
            proxy.cut()
        await handler.wait_for(*bodies_of(sent))


async def test_a_handler_goes_on_when_its_connection_breaks_and_the_message_is_redelivered(
    proxied: RabbitBroker, broker: RabbitBroker, proxy: FaultProxy, subscription: Subscription, type: str
) -> None:
    handler = RecordingHandler(gate=asyncio.Event())
    [message] = new_messages(type, 1)
    async with proxied.consuming(subscription, handler, CONCURRENCY):
        await broker.publish([message])
        await eventually(lambda: handler.running == 1)
        proxy.cut()
        await eventually(lambda: handler.running == 2)
        assert [delivery.attempt for delivery in handler.deliveries] == [1, 1]  # the first redeliveries are not counted
        assert handler.gate is not None
        handler.gate.set()
    assert handler.running == 0
    assert (await broker.depth(subscription)).waiting == 0


async def test_a_dead_letter_waits_for_a_broker_that_is_away(
    proxied: RabbitBroker, broker: RabbitBroker, proxy: FaultProxy, subscription: Subscription, type: str
) -> None:
    handler = RecordingHandler(lambda _: Dead("no"), gate=asyncio.Event())
    async with proxied.consuming(subscription, handler, CONCURRENCY):
        await broker.publish(new_messages(type, 1))
        await eventually(lambda: handler.running == 1)
        assert handler.gate is not None
        proxy.refuse()
        handler.gate.set()
        await eventually(lambda: handler.running == 0)
        proxy.restore()
        await eventually_true(lambda: has_dead(broker, subscription, 1))


async def test_starts_while_the_broker_is_away(
    proxied_settings: BrokerSettings, proxy: FaultProxy, subscription: Subscription, type: str
) -> None:
    proxy.refuse()
    handler = RecordingHandler()
    sent = new_messages(type, 10)
    async with opened(proxied_settings) as broker:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await broker.publish(sent)
        with pytest.raises(Unavailable, match="cannot be reached"):
            await broker.check()
        async with broker.consuming(subscription, handler, CONCURRENCY):
            proxy.restore()
            await publish_all(broker, sent)
            await handler.wait_for(*bodies_of(sent))
            assert await is_healthy(broker)


async def test_a_network_that_loses_every_packet_is_noticed_within_the_time_limit(
    proxied: RabbitBroker, proxy: FaultProxy, type: str
) -> None:
    sent = new_messages(type, 10)
    assert len(await proxied.publish(sent)) == 10
    proxy.black_hole()
    async with asyncio.timeout(3):
        with pytest.raises(Unavailable, match="no answer in time"):
            await proxied.publish(sent)
    proxy.restore()
    async with asyncio.timeout(10):
        await publish_all(proxied, sent)


async def test_a_server_that_closes_every_connection_is_not_called_in_a_loop(
    proxied_settings: BrokerSettings, proxy: FaultProxy
) -> None:
    proxy.refuse()
    async with opened(proxied_settings):
        await asyncio.sleep(1)
    assert 2 <= proxy.accepted <= 6


async def test_a_wrong_password_is_reported_and_a_corrected_one_used_without_a_restart(
    broker_settings: BrokerSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "password"
    file.write_text("tIg3r-81-meadow")
    async with opened(broker_settings.model_copy(update={"password_file": file})) as broker:
        with pytest.raises(Unavailable, match="credentials are refused"):
            await broker.check()
        file.write_text(broker_settings.read_password())
        await eventually_true(lambda: is_healthy(broker))
    assert "tIg3r" not in caplog.text


async def test_a_missing_virtual_host_is_reported(broker_settings: BrokerSettings) -> None:
    url = urlunsplit(urlsplit(broker_settings.address)._replace(path=f"/{uuid4().hex}"))
    async with opened(broker_settings.model_copy(update={"url": SecretStr(url)})) as broker:
        with pytest.raises(Unavailable, match="no such virtual host"):
            await broker.check()


async def is_healthy(broker: RabbitBroker) -> bool:
    """Whether the check passes."""
    try:
        await broker.check()
    except Unavailable:
        return False
    return True
