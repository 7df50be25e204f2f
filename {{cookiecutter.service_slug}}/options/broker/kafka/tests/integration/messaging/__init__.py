"""Kafka, as only a cluster can be tested; without one a mock cluster stands in."""
