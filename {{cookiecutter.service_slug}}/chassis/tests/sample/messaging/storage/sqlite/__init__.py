"""The sample on SQLite."""
