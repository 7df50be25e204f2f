"""Adapters: in memory, and on each database in the folder of its name."""
