"""Renders a log line, and normalizes lines of libraries."""

import json
import sys
from typing import Any

import orjson
from structlog.typing import EventDict, WrappedLogger

from .redaction import CUT

# Container runtimes break lines at 16 KiB, and half a line of JSON is invalid.
MAX_LINE_BYTES = 16_000


def normalize_foreign(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Give a library's line the form of the service's own."""
    del logger, name
    event.pop("color_message", None)  # uvicorn sends each message a second time, colored
    text = event["event"] = event["event"].strip()
    if text.startswith("Traceback (") and sys.exc_info()[0]:  # a failed startup: Starlette passes it on as text
        event.update(event="unhandled exception", exc_info=True)
    return event


def to_json(event: dict[str, Any], **_: Any) -> str:
    """One line; the largest values are cut until it is short enough."""
    line = _dumped(event)
    if len(line) > MAX_LINE_BYTES:
        sizes = {name: len(_dumped(value)) for name, value in event.items()}
        excess = len(line) - MAX_LINE_BYTES
        for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
            if excess > 0:
                event[name] = CUT
                excess -= sizes[name] - len(CUT) - 2
        line = _dumped(event)
    return line.decode()


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=repr)
    except TypeError:  # half a character, a number beyond 64 bits: better an unusual line than none
        return json.dumps(value, default=repr).encode()
