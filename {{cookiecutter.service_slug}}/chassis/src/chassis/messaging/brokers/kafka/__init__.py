"""Apache Kafka through confluent-kafka (librdkafka)."""

from .broker import KafkaBroker
from .settings import BrokerSettings

# As AsyncAPI names it.
PROTOCOL = "kafka"

__all__ = ["PROTOCOL", "BrokerSettings", "KafkaBroker"]
