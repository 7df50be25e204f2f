"""The sample on Kafka."""
