"""Where lines are written."""

import logging
from contextvars import Context
from typing import TextIO

from .repetition import Kind, RepeatLimit


class LimitingHandler(logging.StreamHandler[TextIO]):
    """Writes to a stream; warnings and errors are limited.

    What was left out is told by the next line of its kind, by whoever writes next after the window, or at the end.
    """

    def __init__(self, stream: TextIO, limit: RepeatLimit | None = None) -> None:
        super().__init__(stream)
        self._limit = limit or RepeatLimit()

    def emit(self, record: logging.LogRecord) -> None:
        """Called with the handler's lock held."""
        left_out: int | None = 0
        if record.levelno >= logging.WARNING:
            left_out = self._limit.admit(Kind.of(record))
        for kind, count in self._limit.ended():
            self._tell(kind, count)
        if left_out is not None:
            super().emit(_with_count(record, left_out) if left_out else record)

    def close(self) -> None:
        """Tell what is still to be told; `logging` calls it when the process ends."""
        self.acquire()
        try:
            if not self.stream.closed:
                for kind, count in self._limit.ended(all_of_them=True):
                    self._tell(kind, count)
        finally:
            self.release()
        super().close()

    def _tell(self, kind: Kind, count: int) -> None:
        of = f"{kind.event} ({kind.error})" if kind.error else kind.event
        record = logging.makeLogRecord(
            {
                "name": kind.logger,
                "levelno": kind.level,
                "levelname": logging.getLevelName(kind.level),
                "msg": "lines left out",
                "of": of,
                "left_out": count,
            }
        )
        # In a context of its own: it does not belong to the request that happens to write next.
        Context().run(super().emit, record)


def _with_count(record: logging.LogRecord, left_out: int) -> logging.LogRecord:
    record = logging.makeLogRecord(record.__dict__)
    if isinstance(record.msg, dict):
        record.msg = record.msg | {"left_out": left_out}
    else:
        record.left_out = left_out
    return record
