"""The sample on MySQL."""
