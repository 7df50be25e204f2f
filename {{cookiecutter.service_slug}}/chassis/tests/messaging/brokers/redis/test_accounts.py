"""The account of the service on the server."""

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis import Redis

from chassis.errors import Unavailable
from chassis.messaging.brokers.redis import BrokerSettings
from chassis.messaging.brokers.redis.topology import stream_of
from chassis.messaging.port import Dead, Retry, Subscription, channel_of
from chassis.testing.brokers import RecordingHandler, eventually_true, has_dead, new_messages

from .conftest import TEST_KEYS, closing

# The permissions that docs/messaging/brokers/redis.md lists.
PERMISSIONS = (
    "+evalsha +script|load +xadd +xlen +xtrim +xrange +xdel +xreadgroup +xack +xclaim +xpending +exists "
    "+xgroup|create +xgroup|delconsumer +xinfo|groups +xinfo|consumers "
    "+client|id +client|setname +client|unblock +select +info"
)


@pytest.fixture
def account(server: Redis) -> Iterator[str]:
    """The name of an account with the documented permissions only; its password is `right`."""
    name = f"test-{uuid4().hex}"
    server.acl_setuser(
        name, enabled=True, passwords=["+right"], keys=list(TEST_KEYS), commands=PERMISSIONS.split(), reset=True
    )
    yield name
    server.acl_deluser(name)


def url_of(url: str, account: str, password: str) -> SecretStr:
    """The URL with another account."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return SecretStr(urlunsplit(parts._replace(netloc=f"{account}:{password}@{address}")))


async def test_the_documented_permissions_suffice(
    broker_settings: BrokerSettings, broker_url: str, account: str, type: str, subscription: Subscription
) -> None:
    handler = RecordingHandler(lambda delivery: Retry(0, "again") if delivery.attempt == 1 else Dead("no"))
    url = url_of(broker_url, account, "right")
    async with closing(broker_settings.model_copy(update={"url": url})) as broker:
        async with broker.consuming(subscription, handler, 1):
            await broker.publish(new_messages(type, 1))
            await eventually_true(lambda: has_dead(broker, subscription, 1))
            [dead] = await broker.dead_letters(subscription, 10)
            await broker.replay(subscription, dead.id)
            await eventually_true(lambda: has_dead(broker, subscription, 1))
            [again] = await broker.dead_letters(subscription, 10)
            await broker.discard(subscription, again.id)
        await broker.check()
        with pytest.raises(Unavailable, match="permissions are missing"):
            await broker.publish(new_messages("other.thing.created", 1))


@pytest.mark.parametrize("lost", ["-xadd", "-xreadgroup", "-xack"])
async def test_readiness_reports_a_permission_that_the_account_loses_while_it_is_used(
    server: Redis,
    broker_settings: BrokerSettings,
    broker_url: str,
    account: str,
    type: str,
    subscription: Subscription,
    lost: str,
) -> None:
    url = url_of(broker_url, account, "right")
    async with closing(broker_settings.model_copy(update={"url": url})) as broker:

        async def use() -> str:
            with suppress(Unavailable):
                await broker.publish(new_messages(type, 1))
            server.xadd(stream_of(channel_of(type)), {"body": b"{}"})  # another client still may
            try:
                await broker.check()
            except Unavailable as error:
                return error.reason
            return "ok"

        async with broker.consuming(subscription, RecordingHandler(), 1):
            assert await use() == "ok"
            server.acl_setuser(account, commands=[lost], enabled=True)

            async def is_reported() -> bool:
                return await use() == "permissions are missing"

            await eventually_true(is_reported)
            server.acl_setuser(account, commands=[lost.replace("-", "+")], enabled=True)

            async def is_over() -> bool:
                return await use() == "ok"

            await eventually_true(is_over)


async def test_refused_credentials_are_reported_without_showing_them(
    broker_settings: BrokerSettings, broker_url: str, account: str
) -> None:
    url = url_of(broker_url, account, "w-r-o-n-g")
    async with closing(broker_settings.model_copy(update={"url": url})) as broker:
        with pytest.raises(Unavailable, match="credentials are refused") as error:
            await broker.check()
    assert "w-r-o-n-g" not in str(error.value)
