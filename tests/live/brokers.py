"""The brokers that a service can be pointed at: how to get one that is its own, and how to be rid of what it left."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tests import brokers
from tests.project import Project

Settings = dict[str, str]

# Run in the service's environment, where the broker's client library is; SLUG is put in.
FORGET_RABBITMQ = """
import asyncio, os, aio_pika
from chassis.messaging.brokers.rabbitmq.topology import queues, unrouted
async def forget():
    async with await aio_pika.connect(os.environ["BROKER_URL"]) as connection:
        channel = await connection.channel()
        for queue, _ in queues("SLUG.history"):
            await channel.queue_delete(queue)
        for exchange in (os.environ["BROKER_EXCHANGE"], unrouted(os.environ["BROKER_EXCHANGE"])):
            await channel.exchange_delete(exchange)
            await channel.queue_delete(exchange)
asyncio.run(forget())
"""
FORGET_NATS = """
import asyncio, os, nats
async def forget():
    client = await nats.connect(os.environ["BROKER_URL"])
    for stream in await client.jetstream().streams_info():
        if stream.config.name.startswith("SLUG"):
            await client.jetstream().delete_stream(stream.config.name)
    await client.close()
asyncio.run(forget())
"""
FORGET_REDIS = """
import os, redis
with redis.Redis.from_url(os.environ["BROKER_URL"]) as client:
    for key in client.scan_iter("*SLUG*", count=1000):
        client.delete(key)
"""


@dataclass(frozen=True)
class Broker:
    """One choice of the option `broker`."""

    # What has to answer; None where no server is involved.
    server: str | None
    # Settings that lead a service to a broker, as long as the block lasts.
    reached: Callable[[Project], AbstractContextManager[Settings]]
    # Settings that lead to one that is away.
    away: Settings


def _on_server(choice: str, forget: str, away: str, own: Callable[[Project], Settings] = lambda _: {}) -> Broker:
    server = brokers.SERVERS[choice]

    @contextmanager
    def reached(project: Project) -> Iterator[Settings]:
        settings = {"BROKER_URL": server.url, **own(project)}
        try:
            yield settings
        finally:
            project.run("python", "-c", forget.replace("SLUG", project.slug), **settings)

    return Broker(server.name, reached, {"BROKER_URL": away})


@contextmanager
def _mock_of_kafka(project: Project) -> Iterator[Settings]:
    """The chassis brings a cluster that needs no server."""
    command = [str(project.environment.python), "-m", "chassis.testing.brokers.kafka.mock_cluster"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as cluster:
        assert cluster.stdout is not None
        yield {"BROKER_URL": f"kafka://{cluster.stdout.readline().strip()}", "BROKER_TOPIC_REPLICATION": "1"}


@contextmanager
def _none(_: Project) -> Iterator[Settings]:
    yield {}


EVERY = {
    "rabbitmq": _on_server(
        "rabbitmq", FORGET_RABBITMQ, "amqp://127.0.0.1:1/", lambda project: {"BROKER_EXCHANGE": f"{project.slug}.all"}
    ),
    "kafka": Broker(None, _mock_of_kafka, {"BROKER_URL": "kafka://127.0.0.1:1"}),
    "nats": _on_server("nats", FORGET_NATS, "nats://127.0.0.1:1"),
    "redis": _on_server("redis", FORGET_REDIS, "redis://127.0.0.1:1/0"),
    "none": Broker(None, _none, {}),
}
