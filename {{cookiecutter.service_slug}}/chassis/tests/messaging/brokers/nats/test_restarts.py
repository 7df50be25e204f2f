"""The server is killed and started again on the same disk: nothing is lost, and each event takes effect once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import SecretStr

from chassis.messaging.brokers.nats import BrokerSettings, dispatcher, topology
from chassis.messaging.brokers.nats.reasons import LOST
from chassis.messaging.port import Depth, Subscription
from chassis.testing.brokers import (
    CONCURRENCY,
    RecordingHandler,
    bodies_of,
    eventually,
    eventually_true,
    new_messages,
    publish_all,
)
from chassis.testing.messaging.chaos import ChaosService, chaos_run
from chassis.testing.messaging.chaos.load import writing
from chassis.testing.messaging.chaos.processes import ChaosProcess
from chassis.testing.messaging.chaos.run import acknowledged, conclude, prepared_fleet
from tests.messaging.chaos.combinations import DATABASES, Combination
from tests.messaging.chaos.observers import readiness
from tests.messaging.chaos.samples import sample_on
from tests.sample.messaging.brokers.nats import server as sample_server

from .conftest import opened
from .private_server import PrivateServer, private_server

RESTARTS = 6
AWAY = (LOST, "cannot be reached")  # until the first attempt to connect again, and afterwards


@pytest.fixture
def server() -> Iterator[PrivateServer]:
    """A server that no other test uses."""
    with private_server() as server:
        yield server


@pytest.fixture
async def service(
    server: PrivateServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[ChaosService]:
    """The sample on that server."""
    monkeypatch.setattr(sample_server, "outage", lambda: nullcontext(server))
    combination = Combination(DATABASES[-1], "nats")
    with import_module(f"{combination.storage_package}.server").fresh_database() as url:
        async with sample_on(combination, monkeypatch, tmp_path, url=url, service_url=url) as service:
            yield service


async def test_nothing_is_lost_when_the_server_is_killed_while_messages_are_published_and_handled(
    server: PrivateServer, subscription: Subscription, type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topology, "ACK_WAIT_SECONDS", 1.0)
    monkeypatch.setattr(dispatcher, "ALIVE_SECONDS", 0.3)
    sent, handler = new_messages(type, 4_000), RecordingHandler()
    async with (
        opened(BrokerSettings(url=SecretStr(server.url))) as broker,
        broker.consuming(subscription, handler, CONCURRENCY),
    ):
        publishing = asyncio.create_task(publish_all(broker, sent))
        for restart in range(1, RESTARTS + 1):
            await eventually(lambda goal=restart: len(set(handler.bodies)) >= goal * len(sent) / (RESTARTS + 2))  # type: ignore[misc]
            await server.cut()
        await publishing
        await handler.wait_for(*bodies_of(sent))

        async def is_settled() -> bool:
            return await broker.depth(subscription) == Depth(waiting=0, dead=0)

        await eventually_true(is_settled)


async def until_shown(process: ChaosProcess, expected: Collection[tuple[int, str, str]]) -> None:
    """Wait until readiness shows one of these, with the result of the broker's check."""

    async def is_shown() -> bool:
        return await readiness(process, "broker") in expected

    await eventually_true(is_shown)


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize("restarts", [1, pytest.param(4, marks=pytest.mark.long)])
async def test_api_and_worker_report_a_killed_server_and_go_on_once_it_is_back(
    restarts: int, server: PrivateServer, service: ChaosService
) -> None:
    async with prepared_fleet(service, workers=1) as fleet:
        async with writing(fleet.api.url, service.lives) as ledger:
            for _ in range(restarts):
                await acknowledged(ledger, ledger.answers + 100)
                await server.down()
                await until_shown(fleet.api, [(200, "degraded", reason) for reason in AWAY])
                for worker in fleet.workers:
                    await until_shown(worker, [(503, "unavailable", reason) for reason in AWAY])
                await acknowledged(ledger, ledger.answers + 100)
                await server.up()
                for process in fleet.processes:
                    await until_shown(process, [(200, "ready", "ok")])
        report = await conclude(service, fleet, ledger, Counter({"server killed": restarts}))
    assert report.is_clean, str(report)
    assert report.ledger.repeated == 0


@pytest.mark.long
@pytest.mark.usefixtures("importable")
async def test_nothing_is_lost_when_workers_and_the_server_are_killed_again_and_again(service: ChaosService) -> None:
    report = await chaos_run(service, 60)
    print(report)  # noqa: T201
    assert report.is_clean, str(report)
