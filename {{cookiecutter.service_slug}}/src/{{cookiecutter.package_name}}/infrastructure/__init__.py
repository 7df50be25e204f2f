"""Adapters of the service: storage of each aggregate, event schemas, subscriptions."""
