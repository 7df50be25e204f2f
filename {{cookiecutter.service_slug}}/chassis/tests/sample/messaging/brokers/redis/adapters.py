"""The sample's messages on Redis."""

from chassis.messaging.brokers.redis import PROTOCOL, BrokerSettings, RedisBroker

__all__ = ["PROTOCOL", "BrokerSettings"]


def create_broker(settings: BrokerSettings, service_name: str) -> RedisBroker:
    """The adapter, not opened."""
    return RedisBroker(settings, service_name)
