"""The cluster that BROKER_URL or KAFKA_BOOTSTRAP names, else a mock cluster that needs no server."""

import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import wait
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.infrastructure.messaging.connections import Connections
from {{ cookiecutter.package_name }}.infrastructure.messaging.kafka import KafkaBroker

from .mock_cluster import MockCluster, mock_cluster

# Kept before tests start to change the environment.
BROKER_URL = os.environ.get("BROKER_URL")
KAFKA_BOOTSTRAP = os.environ.get("KAFKA_BOOTSTRAP")
REAL_URL = BROKER_URL or (f"kafka://{KAFKA_BOOTSTRAP}" if KAFKA_BOOTSTRAP else None)
OWN = "test-"


def settings_of(url: str, session_timeout_seconds: float = 2) -> BrokerSettings:
    """Settings that fit a cluster with one server. A mock cluster waits for a session's end whenever one has ended."""
    return BrokerSettings(
        url=SecretStr(url),
        session_timeout_seconds=session_timeout_seconds,
        topic_partitions=4,
        topic_replication=1,
    )


@pytest.fixture(scope="session")
def broker_url() -> Iterator[str]:
    """A cluster; topics and groups of the tests have names of their own, and are removed from a real one."""
    if REAL_URL is None:
        with mock_cluster() as cluster:
            yield f"kafka://{cluster.address}"
    else:
        yield REAL_URL
        remove_what_tests_made(settings_of(REAL_URL))


def remove_what_tests_made(settings: BrokerSettings) -> None:
    """Topics and groups that begin as those of the tests do."""
    admin = Connections(settings).admin()
    if topics := [name for name in admin.list_topics(timeout=10).topics if name.startswith(OWN)]:
        wait(admin.delete_topics(topics).values())
    groups = [each.group_id for each in admin.list_consumer_groups().result().valid]
    if groups := [name for name in groups if name.startswith(OWN)]:
        wait(admin.delete_consumer_groups(groups).values())


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    """A mock cluster of the test's own, to be taken away and brought back."""
    with mock_cluster() as cluster:
        yield cluster


@pytest.fixture
def broker_settings(broker_url: str) -> BrokerSettings:
    """Names the cluster."""
    return settings_of(broker_url, session_timeout_seconds=2 if REAL_URL is None else 6)


@asynccontextmanager
async def opened(settings: BrokerSettings) -> AsyncIterator[KafkaBroker]:
    """The adapter, as long as the block lasts."""
    broker = KafkaBroker(settings)
    await broker.open()
    try:
        yield broker
    finally:
        await broker.close()


@pytest.fixture
async def broker(broker_settings: BrokerSettings) -> AsyncIterator[KafkaBroker]:
    """The adapter, opened."""
    async with opened(broker_settings) as broker:
        yield broker


@pytest.fixture
async def another(broker_settings: BrokerSettings) -> AsyncIterator[KafkaBroker]:
    """A second one on the same cluster, as in another process."""
    async with opened(broker_settings) as broker:
        yield broker
