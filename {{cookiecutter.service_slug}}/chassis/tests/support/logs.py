"""Logs of a test, as JSON."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chassis.service import ServiceIdentity
from chassis.telemetry.logs import configure_logging

IDENTITY = ServiceIdentity(name="warehouse", title="Warehouse", version="1.2.3", description="Sends parcels.")


@contextmanager
def log_output(level: str = "info", format: str = "json") -> Iterator[io.StringIO]:
    """Log inside the block as a service does; the stream holds what has been written so far."""
    stream, excepthook = io.StringIO(), sys.excepthook
    configure_logging(level, format, stream, identity=IDENTITY, environment="local")
    try:
        yield stream
    finally:
        sys.excepthook = excepthook
        logging.captureWarnings(False)
        for handler in logging.getLogger().handlers:
            handler.close()  # as the end of a process does
        logging.basicConfig(level="WARNING", handlers=[logging.NullHandler()], force=True)


@contextmanager
def logged(level: str = "info") -> Iterator[list[dict[str, Any]]]:
    """The lines logged inside the block, without those of a test's HTTP client; complete when it has ended."""
    lines: list[dict[str, Any]] = []
    with log_output(level) as stream:
        yield lines
    lines += [line for line in parsed(stream) if not line["logger"].startswith("http")]


def parsed(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines written so far."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]
