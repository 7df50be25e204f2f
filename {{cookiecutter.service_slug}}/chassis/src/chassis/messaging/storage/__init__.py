"""Outbox, inbox and history on each database, in the folder of its name."""
