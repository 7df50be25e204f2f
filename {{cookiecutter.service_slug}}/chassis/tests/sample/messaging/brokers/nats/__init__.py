"""The sample on NATS."""
