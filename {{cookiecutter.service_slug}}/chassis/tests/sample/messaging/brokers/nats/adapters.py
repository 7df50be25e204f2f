"""The sample's messages on NATS."""

from chassis.messaging.brokers.nats import PROTOCOL, BrokerSettings, NatsBroker

__all__ = ["PROTOCOL", "BrokerSettings"]


def create_broker(settings: BrokerSettings, service_name: str) -> NatsBroker:
    """The adapter, not opened."""
    return NatsBroker(settings, service_name)
