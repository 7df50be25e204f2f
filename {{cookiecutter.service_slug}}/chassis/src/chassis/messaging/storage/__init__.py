"""Outbox, inbox and history on each database, in the folder of its name."""

from .port import MessageStorage

__all__ = ["MessageStorage"]
