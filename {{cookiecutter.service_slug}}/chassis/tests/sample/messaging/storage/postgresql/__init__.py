"""The sample on PostgreSQL."""
