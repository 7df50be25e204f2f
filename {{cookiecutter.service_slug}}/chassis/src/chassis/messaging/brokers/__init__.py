"""Adapters: one folder per broker, and one that works within the process."""
