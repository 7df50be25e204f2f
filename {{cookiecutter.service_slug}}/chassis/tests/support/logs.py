"""Logs of a test, as JSON."""

import io
import json
from contextlib import AbstractContextManager
from typing import Any

from chassis.service import ServiceIdentity
from chassis.testing import log_events

IDENTITY = ServiceIdentity(name="warehouse", title="Warehouse", version="1.2.3", description="Sends parcels.")


def log_output(level: str = "info", format: str = "json") -> AbstractContextManager[io.StringIO]:
    """Log inside the block as a service does; the stream holds what has been written so far."""
    return log_events.log_output(IDENTITY, level, format)


def logged(level: str = "info") -> AbstractContextManager[list[dict[str, Any]]]:
    """The lines logged inside the block, without those of a test's HTTP client; complete when it has ended."""
    return log_events.logged(IDENTITY, level)


def parsed(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines written so far."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]
