"""NATS JetStream through nats-py."""

from .broker import NatsBroker
from .settings import BrokerSettings

# As AsyncAPI names it.
PROTOCOL = "nats"

__all__ = ["PROTOCOL", "BrokerSettings", "NatsBroker"]
