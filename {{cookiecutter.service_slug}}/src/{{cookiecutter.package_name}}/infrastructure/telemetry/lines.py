"""A line as it is written, and those of libraries made like the service's own."""

import json
import sys
from typing import Any

import orjson
from structlog.typing import EventDict, WrappedLogger

from .redaction import CUT

# Container runtimes break lines at 16 KiB, and half a line of JSON is none.
LONGEST_LINE_BYTES = 16_000


def of_a_library(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Make a library's line one like the service's own."""
    del logger, name
    event.pop("color_message", None)  # uvicorn sends each message a second time, coloured
    text = event["event"] = event["event"].strip()
    if text.startswith("Traceback (") and sys.exc_info()[0]:  # a start that failed: Starlette hands it on as a text
        event.update(event="unforeseen error", exc_info=True)
    return event


def to_json(event: dict[str, Any], **_: Any) -> str:
    """One line; what is largest in it is cut until it is short enough."""
    line = _dumped(event)
    if len(line) > LONGEST_LINE_BYTES:
        sizes = {name: len(_dumped(value)) for name, value in event.items()}
        excess = len(line) - LONGEST_LINE_BYTES
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
