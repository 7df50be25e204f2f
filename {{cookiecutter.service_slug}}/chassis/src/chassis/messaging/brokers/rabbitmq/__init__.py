"""RabbitMQ through aio-pika."""

from .broker import RabbitBroker
from .settings import BrokerSettings

# As AsyncAPI names it.
PROTOCOL = "amqp"

__all__ = ["PROTOCOL", "BrokerSettings", "RabbitBroker"]
