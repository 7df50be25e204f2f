"""Debug logs for a while, without a restart: SIGUSR1 sets this process to debug, SIGUSR2 ends that at once."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

DEBUG_SECONDS = 15 * 60
SIGNALS = {"debug": signal.SIGUSR1, "reset": signal.SIGUSR2}

_log = structlog.stdlib.get_logger("server")


class LevelSwitch:
    """The log level of the whole process: its configured level, or debug until a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._root = logging.getLogger()
        self._configured = self._root.level
        self._end: asyncio.TimerHandle | None = None

    def debug(self) -> None:
        """Log at debug from now on; a second call starts the time again."""
        if self._end is not None:
            self._end.cancel()
        self._root.setLevel(logging.DEBUG)
        self._end = asyncio.get_running_loop().call_later(self._seconds, self.reset, "time")
        _log.info("log level changed", new_level="debug", for_seconds=self._seconds)

    def reset(self, by: str) -> None:
        """Return to the configured level; does nothing if it is in force."""
        if self._end is None:
            return
        self._end.cancel()
        self._end = None
        # Before the change, because the configured level may suppress this line.
        _log.info("log level changed", new_level=logging.getLevelName(self._configured).lower(), by=by)
        self._root.setLevel(self._configured)


@contextmanager
def switchable_level(seconds: float = DEBUG_SECONDS) -> Iterator[None]:
    """Handle both signals inside the block; in the main thread, while an event loop runs.

    Args:
        seconds: after which debug ends by itself.
    """
    loop = asyncio.get_running_loop()
    switch = LevelSwitch(seconds)
    loop.add_signal_handler(SIGNALS["debug"], switch.debug)
    loop.add_signal_handler(SIGNALS["reset"], switch.reset, "signal")
    try:
        yield
    finally:
        for each in SIGNALS.values():
            loop.remove_signal_handler(each)
        switch.reset("end")
