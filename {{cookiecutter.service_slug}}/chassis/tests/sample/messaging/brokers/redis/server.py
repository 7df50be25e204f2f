"""A Redis server that fails."""

from contextlib import AbstractAsyncContextManager

from chassis.testing.brokers.outage import Outage
from chassis.testing.brokers.redis import outage_of
from tests.support import servers


def outage() -> AbstractAsyncContextManager[Outage]:
    """Control over the server, inside the block."""
    return outage_of(servers.url("redis"))
