"""The sample on Redis."""
