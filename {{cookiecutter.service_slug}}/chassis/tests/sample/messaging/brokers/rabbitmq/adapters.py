"""The sample's messages on RabbitMQ."""

from chassis.messaging.brokers.rabbitmq import PROTOCOL, BrokerSettings, RabbitBroker

__all__ = ["PROTOCOL", "BrokerSettings"]


def create_broker(settings: BrokerSettings, service_name: str) -> RabbitBroker:
    """The adapter, not opened."""
    return RabbitBroker(settings, service_name)
