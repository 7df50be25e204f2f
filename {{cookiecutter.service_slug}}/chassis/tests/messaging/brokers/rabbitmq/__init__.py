"""Tests of the RabbitMQ adapter, on a real server."""
