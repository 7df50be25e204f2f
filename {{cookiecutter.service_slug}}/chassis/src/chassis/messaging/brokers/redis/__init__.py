"""Redis Streams through redis-py."""

from .broker import RedisBroker
from .settings import BrokerSettings

# As AsyncAPI names it.
PROTOCOL = "redis"

__all__ = ["PROTOCOL", "BrokerSettings", "RedisBroker"]
