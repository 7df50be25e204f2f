"""The same warning a thousand times a second is told a few times; what is left out is counted."""

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
# Kinds that are told apart at the same time; what comes beyond shares one.
MOST_KINDS = 500
LONGEST_EVENT = 80


class Kind(NamedTuple):
    """What makes two lines the same."""

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
        # What differs from time to time, such as an address in memory, stands further on in a text.
        event = str(message).strip().partition("\n")[0][:LONGEST_EVENT]
        return cls(record.name, record.levelno, event, _name_of_error(exc_info))


@dataclass(slots=True)
class Window:
    """A while in which lines of a kind are counted."""

    end: float
    told: int = 0
    left_out: int = 0


class RepeatLimit:
    """Of each kind of line a burst is told, and no more until its window ends. Not thread-safe."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._windows: dict[Kind, Window] = {}
        self._due = inf  # when the first window ends that has left something out

    def admit(self, kind: Kind) -> int | None:
        """Judge a line.

        Returns:
            None if it is left out, else how many like it were left out before.
        """
        now = self._clock()
        window = self._windows.get(kind)
        if window is None:
            if len(self._windows) >= MOST_KINDS:
                self._forget(now)
            if len(self._windows) >= MOST_KINDS:
                kind = Kind("root", kind.level, "further kinds of lines", None)
            window = self._windows.setdefault(kind, Window(now + WINDOW_SECONDS))
        left_out = 0
        if now >= window.end:
            left_out = window.left_out
            self._windows[kind] = window = Window(now + WINDOW_SECONDS)
        if window.told < BURST:
            window.told += 1
            return left_out
        window.left_out += 1
        self._due = min(self._due, window.end)
        return None

    def ended(self, *, all_of_them: bool = False) -> Iterator[tuple[Kind, int]]:
        """What was left out in windows that are over, and has not been told; each is told once.

        Args:
            all_of_them: count windows that go on as well, because there will be no other time.
        """
        now = inf if all_of_them else self._clock()
        if now < self._due:
            return
        over = [(kind, window) for kind, window in self._windows.items() if window.left_out and now >= window.end]
        for kind, _ in over:
            del self._windows[kind]
        self._due = min((window.end for window in self._windows.values() if window.left_out), default=inf)
        yield from ((kind, window.left_out) for kind, window in over)

    def _forget(self, now: float) -> None:
        for kind in [kind for kind, window in self._windows.items() if now >= window.end and not window.left_out]:
            del self._windows[kind]


def _name_of_error(exc_info: Any) -> str | None:
    if not exc_info:
        return None
    if isinstance(exc_info, BaseException):
        return type(exc_info).__name__
    kind = exc_info[0] if isinstance(exc_info, tuple) else sys.exc_info()[0]
    return kind.__name__ if kind else None
