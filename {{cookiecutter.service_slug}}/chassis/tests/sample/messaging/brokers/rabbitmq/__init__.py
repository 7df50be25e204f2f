"""The sample on RabbitMQ."""
