"""Limits repeated log lines: of a warning a thousand times a second a few are written, the others are counted."""

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Any, NamedTuple

# Enough to see whether they are all alike, and one line a second in the long run.
BURST = 10
WINDOW_SECONDS = 10.0
# Kinds that are counted separately; further ones share one counter.
MAX_KINDS = 500
MAX_EVENT = 80


class Kind(NamedTuple):
    """The fields by which two lines count as repeated."""

    logger: str
    level: int
    event: str
    error: str | None

    @classmethod
    def of(cls, record: logging.LogRecord) -> "Kind":
        """The kind of a line, whether it comes from structlog or from a library."""
        message: Any = record.msg
        exc_info: Any = record.exc_info
        if isinstance(message, dict):
            message, exc_info = message.get("event"), message.get("exc_info")
        # What varies, such as an address in memory, usually stands further on in a text.
        event = str(message).strip().partition("\n")[0][:MAX_EVENT]
        return cls(record.name, record.levelno, event, _name_of_error(exc_info))


@dataclass(slots=True)
class Window:
    """A period in which lines of a kind are counted."""

    end: float
    written: int = 0
    suppressed: int = 0


class LogRateLimit:
    """Admits a burst of each kind of line, and no more until its window ends. Not thread-safe."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._windows: dict[Kind, Window] = {}
        self._due = inf  # end of the first window that has suppressed a line

    def admit(self, kind: Kind) -> int | None:
        """Decide about a line.

        Returns:
            None if it is suppressed, else how many like it were suppressed before it.
        """
        now = self._clock()
        window = self._windows.get(kind)
        if window is None:
            if len(self._windows) >= MAX_KINDS:
                self._drop_ended(now)
            if len(self._windows) >= MAX_KINDS:
                kind = Kind("root", kind.level, "other kinds of lines", None)
            window = self._windows.setdefault(kind, Window(now + WINDOW_SECONDS))
        suppressed = 0
        if now >= window.end:
            suppressed = window.suppressed
            self._windows[kind] = window = Window(now + WINDOW_SECONDS)
        if window.written < BURST:
            window.written += 1
            return suppressed
        window.suppressed += 1
        self._due = min(self._due, window.end)
        return None

    def ended(self, *, all_of_them: bool = False) -> Iterator[tuple[Kind, int]]:
        """Counts of ended windows that no line has reported; each is returned once.

        Args:
            all_of_them: include windows that have not ended, because this is the last call.
        """
        now = inf if all_of_them else self._clock()
        if now < self._due:
            return
        over = [(kind, window) for kind, window in self._windows.items() if window.suppressed and now >= window.end]
        for kind, _ in over:
            del self._windows[kind]
        self._due = min((window.end for window in self._windows.values() if window.suppressed), default=inf)
        yield from ((kind, window.suppressed) for kind, window in over)

    def _drop_ended(self, now: float) -> None:
        for kind in [kind for kind, window in self._windows.items() if now >= window.end and not window.suppressed]:
            del self._windows[kind]


def _name_of_error(exc_info: Any) -> str | None:
    if not exc_info:
        return None
    if isinstance(exc_info, BaseException):
        return type(exc_info).__name__
    kind = exc_info[0] if isinstance(exc_info, tuple) else sys.exc_info()[0]
    return kind.__name__ if kind else None
