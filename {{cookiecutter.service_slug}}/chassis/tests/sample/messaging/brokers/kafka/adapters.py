"""The sample's messages on Kafka."""

from chassis.messaging.brokers.kafka import PROTOCOL, BrokerSettings, KafkaBroker

__all__ = ["PROTOCOL", "BrokerSettings"]


def create_broker(settings: BrokerSettings, service_name: str) -> KafkaBroker:
    """The adapter, not opened."""
    return KafkaBroker(settings, service_name)
