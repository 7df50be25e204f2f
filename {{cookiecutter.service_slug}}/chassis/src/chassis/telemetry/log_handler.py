"""Writes log lines to a stream."""

import logging
from contextvars import Context
from typing import TextIO

from .log_rate_limit import Kind, LogRateLimit


class RateLimitedHandler(logging.StreamHandler[TextIO]):
    """Writes to a stream; limits warnings and errors.

    The number of suppressed lines is reported by the next line of their kind, or in a line of its own: before the
    next line of any kind after the window, or at the end.
    """

    def __init__(self, stream: TextIO, limit: LogRateLimit | None = None) -> None:
        super().__init__(stream)
        self._limit = limit or LogRateLimit()

    def emit(self, record: logging.LogRecord) -> None:
        """Called with the handler's lock held."""
        suppressed: int | None = 0
        if record.levelno >= logging.WARNING:
            suppressed = self._limit.admit(Kind.of(record))
        for kind, count in self._limit.ended():
            self._report(kind, count)
        if suppressed is not None:
            super().emit(_with_count(record, suppressed) if suppressed else record)

    def close(self) -> None:
        """Report what is left to report; `logging` calls it when the process ends."""
        self.acquire()
        try:
            if not self.stream.closed:
                for kind, count in self._limit.ended(all_of_them=True):
                    self._report(kind, count)
        finally:
            self.release()
        super().close()

    def _report(self, kind: Kind, count: int) -> None:
        of = f"{kind.event} ({kind.error})" if kind.error else kind.event
        record = logging.makeLogRecord(
            {
                "name": kind.logger,
                "levelno": kind.level,
                "levelname": logging.getLevelName(kind.level),
                "msg": "log lines suppressed",
                "of": of,
                "suppressed": count,
            }
        )
        # In an empty context: it does not belong to the request that happens to write next.
        Context().run(super().emit, record)


def _with_count(record: logging.LogRecord, suppressed: int) -> logging.LogRecord:
    record = logging.makeLogRecord(record.__dict__)
    if isinstance(record.msg, dict):
        record.msg = record.msg | {"suppressed": suppressed}
    else:
        record.suppressed = suppressed
    return record
