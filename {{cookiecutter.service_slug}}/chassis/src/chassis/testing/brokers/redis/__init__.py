"""Outages of a Redis server for chaos tests."""

from contextlib import AbstractAsyncContextManager

from .. import outage

DEFAULT_PORT = 6379


def outage_of(url: str) -> AbstractAsyncContextManager[outage.Outage]:
    """Control over the server of a URL, inside the block."""
    return outage.outage_of(url, DEFAULT_PORT)
