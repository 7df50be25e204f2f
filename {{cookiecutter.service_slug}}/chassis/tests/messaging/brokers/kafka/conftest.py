"""The cluster of LIVE_KAFKA_URL, else a mock cluster that needs no server."""

import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import wait
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from chassis.messaging.brokers.kafka import BrokerSettings, KafkaBroker
from chassis.messaging.brokers.kafka.clients import Clients
from chassis.testing.brokers.kafka import MockCluster, mock_cluster
from tests.support.servers import skip_if_none

REAL_URL = os.environ.get("LIVE_KAFKA_URL")
# Topics and groups of the tests begin with this.
PREFIX = "test-"


def settings_of(url: str, session_timeout_seconds: float = 2) -> BrokerSettings:
    """Settings for a cluster with one server. After a dead member, a mock cluster waits for the session timeout."""
    return BrokerSettings(
        url=SecretStr(url),
        session_timeout_seconds=session_timeout_seconds,
        topic_partitions=4,
        topic_replication=1,
    )


@pytest.fixture(scope="session")
def broker_url() -> Iterator[str]:
    """A cluster; topics and groups of the tests are deleted from a real one."""
    skip_if_none()
    if REAL_URL is None:
        with mock_cluster() as cluster:
            yield cluster.url
    else:
        yield REAL_URL
        delete_test_data(settings_of(REAL_URL))


def delete_test_data(settings: BrokerSettings) -> None:
    """Delete topics and groups of the tests."""
    admin = Clients(settings, "tests").admin()
    if topics := [name for name in admin.list_topics(timeout=10).topics if name.startswith(PREFIX)]:
        wait(admin.delete_topics(topics).values())
    groups = [each.group_id for each in admin.list_consumer_groups().result().valid]
    if groups := [name for name in groups if name.startswith(PREFIX)]:
        wait(admin.delete_consumer_groups(groups).values())


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    """A mock cluster for one test, which may take it away and bring it back."""
    skip_if_none()
    with mock_cluster() as cluster:
        yield cluster


@pytest.fixture
def own_settings(cluster: MockCluster) -> BrokerSettings:
    """Settings for the mock cluster of the test."""
    return settings_of(cluster.url)


@pytest.fixture
def broker_settings(broker_url: str) -> BrokerSettings:
    """Settings for the shared cluster."""
    return settings_of(broker_url, session_timeout_seconds=2 if REAL_URL is None else 6)


@asynccontextmanager
async def opened(settings: BrokerSettings) -> AsyncIterator[KafkaBroker]:
    """An open adapter, inside the block."""
    broker = KafkaBroker(settings, "warehouse")
    await broker.open()
    try:
        yield broker
    finally:
        await broker.close()


@pytest.fixture
async def broker(broker_settings: BrokerSettings) -> AsyncIterator[KafkaBroker]:
    """An open adapter."""
    async with opened(broker_settings) as broker:
        yield broker


@pytest.fixture
async def another(broker_settings: BrokerSettings) -> AsyncIterator[KafkaBroker]:
    """A second adapter on the same cluster, as in another process."""
    async with opened(broker_settings) as broker:
        yield broker
