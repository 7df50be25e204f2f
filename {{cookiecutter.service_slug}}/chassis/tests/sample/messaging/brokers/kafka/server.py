"""A Kafka cluster that fails: a mock cluster, unless commands that stop and start a real one are named."""

import os
from contextlib import AbstractAsyncContextManager

from chassis.testing.brokers.kafka import CommandedOutage, MockOutage, outage_of


def outage() -> AbstractAsyncContextManager[MockOutage | CommandedOutage]:
    """Control over the cluster, inside the block."""
    return outage_of(os.environ.get("LIVE_KAFKA_URL", ""))
