"""Encrypted connections: both of the adapter, and only to a server that is trusted."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr

from chassis.errors import Unavailable
from chassis.messaging.brokers.rabbitmq import BrokerSettings
from chassis.messaging.port import Subscription
from chassis.testing.brokers import CONCURRENCY, RecordingHandler, bodies_of, new_messages
from chassis.testing.faults import fault_proxy

from .conftest import opened


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Signs the server's certificate."""
    return trustme.CA()


@pytest.fixture
async def encrypted_settings(broker_settings: BrokerSettings, authority: trustme.CA) -> AsyncIterator[BrokerSettings]:
    """Settings that lead to the server through a proxy that speaks TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with fault_proxy(broker_settings.address, default_port=5672, tls=context) as proxy:
        url = proxy.url.replace("amqp://", "amqps://")
        yield broker_settings.model_copy(update={"url": SecretStr(url)})


async def test_publishes_and_consumes_over_tls(
    encrypted_settings: BrokerSettings, authority: trustme.CA, subscription: Subscription, type: str, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    handler, sent = RecordingHandler(), new_messages(type, 300)
    async with (
        opened(encrypted_settings.model_copy(update={"tls_ca_file": tmp_path / "ca.pem"})) as broker,
        broker.consuming(subscription, handler, CONCURRENCY),
    ):
        assert len(await broker.publish(sent)) == 300
        await handler.wait_for(*bodies_of(sent))


async def test_a_server_that_is_not_trusted_is_refused_and_named(encrypted_settings: BrokerSettings) -> None:
    async with opened(encrypted_settings) as broker:
        with pytest.raises(Unavailable, match="the certificate of the server is not trusted"):
            await broker.check()
