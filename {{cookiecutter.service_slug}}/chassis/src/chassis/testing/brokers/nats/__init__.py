"""Outages of a NATS server for chaos tests."""

from contextlib import AbstractAsyncContextManager

from .. import outage

DEFAULT_PORT = 4222


def outage_of(url: str) -> AbstractAsyncContextManager[outage.Outage]:
    """Control over the server of a URL, inside the block."""
    return outage.outage_of(url, DEFAULT_PORT)
