"""The history of aggregates: a projection of published events."""
