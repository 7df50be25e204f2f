"""What the network and the server do to the adapter: nothing is lost."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Dead, Subscription
from {{ cookiecutter.package_name }}.infrastructure.messaging.rabbitmq import RabbitBroker

from ...deliveries import Handled, bodies_of, has_dead, messages, until, until_true
from .broker_proxy import BrokerProxy
from .conftest import opened, publish_all

CONCURRENCY = 16


async def test_nothing_is_lost_when_the_connection_is_cut_while_publishing(
    proxied: RabbitBroker, broker: RabbitBroker, proxy: BrokerProxy, subscription: Subscription, type: str
) -> None:
    handled = Handled()
    sent = messages(type, 1500)
    async with broker.consuming(subscription, handled, CONCURRENCY):
        publishing = asyncio.create_task(publish_all(proxied, sent))
        for cut_after in (100, 500, 1000):
            await until(lambda enough=cut_after: len(handled.deliveries) > enough)  # type: ignore[misc]
            proxy.cut()
        await publishing
        await handled.wait_for(*bodies_of(sent))


async def test_nothing_is_lost_when_the_connection_is_cut_while_consuming(
    proxied: RabbitBroker, broker: RabbitBroker, proxy: BrokerProxy, subscription: Subscription, type: str
) -> None:
    handled = Handled()
    sent = messages(type, 1500)
    async with proxied.consuming(subscription, handled, CONCURRENCY):
        await broker.publish(sent)
        for cut_after in (100, 500, 1000):
            await until(lambda enough=cut_after: len(handled.deliveries) > enough)  # type: ignore[misc]
            proxy.cut()
        await handled.wait_for(*bodies_of(sent))


async def test_a_handler_goes_on_when_its_connection_breaks_and_the_message_comes_again(
    proxied: RabbitBroker, broker: RabbitBroker, proxy: BrokerProxy, subscription: Subscription, type: str
) -> None:
    handled = Handled(gate=asyncio.Event())
    [message] = messages(type, 1)
    async with proxied.consuming(subscription, handled, CONCURRENCY):
        await broker.publish([message])
        await until(lambda: handled.running == 1)
        proxy.cut()
        await until(lambda: handled.running == 2)
        assert [delivery.attempt for delivery in handled.deliveries] == [1, 2]
        assert handled.gate is not None
        handled.gate.set()
    assert handled.running == 0
    assert (await broker.depth(subscription)).waiting == 0


async def test_a_dead_letter_waits_for_a_broker_that_is_away(
    proxied: RabbitBroker, broker: RabbitBroker, proxy: BrokerProxy, subscription: Subscription, type: str
) -> None:
    handled = Handled(lambda _: Dead("no"), gate=asyncio.Event())
    async with proxied.consuming(subscription, handled, CONCURRENCY):
        await broker.publish(messages(type, 1))
        await until(lambda: handled.running == 1)
        assert handled.gate is not None
        proxy.refuse()
        handled.gate.set()
        await until(lambda: handled.running == 0)
        proxy.mend()
        await until_true(lambda: has_dead(broker, subscription, 1))


async def test_starts_while_the_broker_is_away(
    proxied_settings: BrokerSettings, proxy: BrokerProxy, subscription: Subscription, type: str
) -> None:
    proxy.refuse()
    handled = Handled()
    sent = messages(type, 10)
    async with opened(proxied_settings) as broker:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await broker.publish(sent)
        with pytest.raises(Unavailable, match="cannot be reached"):
            await broker.check()
        async with broker.consuming(subscription, handled, CONCURRENCY):
            proxy.mend()
            await publish_all(broker, sent)
            await handled.wait_for(*bodies_of(sent))
            assert await is_healthy(broker)


async def test_a_network_that_loses_everything_is_noticed_within_the_time_limit(
    proxied: RabbitBroker, proxy: BrokerProxy, type: str
) -> None:
    sent = messages(type, 10)
    assert len(await proxied.publish(sent)) == 10
    proxy.black_hole()
    async with asyncio.timeout(3):
        with pytest.raises(Unavailable, match="no answer in time"):
            await proxied.publish(sent)
    proxy.mend()
    async with asyncio.timeout(10):
        await publish_all(proxied, sent)


async def test_a_server_that_hangs_up_on_everybody_is_not_called_in_a_loop(
    proxied_settings: BrokerSettings, proxy: BrokerProxy
) -> None:
    proxy.refuse()
    async with opened(proxied_settings):
        await asyncio.sleep(1)
    assert 2 <= proxy.accepted <= 6


async def test_a_wrong_password_is_told_and_mended_without_a_restart(
    broker_settings: BrokerSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "password"
    file.write_text("tIg3r-81-meadow")
    async with opened(broker_settings.model_copy(update={"password_file": file})) as broker:
        with pytest.raises(Unavailable, match="credentials are refused"):
            await broker.check()
        file.write_text(broker_settings.read_password())
        await until_true(lambda: is_healthy(broker))
    assert "tIg3r" not in caplog.text


async def test_a_missing_virtual_host_is_told(broker_settings: BrokerSettings) -> None:
    url = urlunsplit(urlsplit(broker_settings.address)._replace(path=f"/{uuid4().hex}"))
    async with opened(broker_settings.model_copy(update={"url": SecretStr(url)})) as broker:
        with pytest.raises(Unavailable, match="no such virtual host"):
            await broker.check()


async def is_healthy(broker: RabbitBroker) -> bool:
    """Whether its check passes."""
    try:
        await broker.check()
    except Unavailable:
        return False
    return True
