"""Kafka through confluent-kafka, and the stand-in that needs no server."""

import structlog

from ...config.broker import BrokerSettings
from .in_process import InProcessBroker
from .kafka import KafkaBroker
from .port import Broker


def select_broker(settings: BrokerSettings) -> Broker:
    """The broker that the settings name; within this process if they name none."""
    if settings.url is None:
        log = structlog.stdlib.get_logger("broker")
        log.warning("no BROKER_URL: events stay within this process")
        return InProcessBroker()
    return KafkaBroker(settings)
