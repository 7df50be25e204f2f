"""Aggregates, their rules and use cases. Imports the standard library and `chassis.domain` only."""
