"""Serves an application and stops it without losing a request."""

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from ..telemetry.log_level import switchable_level
from .lifecycle import Lifecycle
from .settings import HttpSettings, ShutdownSettings

_log = structlog.stdlib.get_logger("server")


class DrainingServer(uvicorn.Server):
    """On SIGTERM, readiness turns 503 while requests are still accepted; then it stops accepting and finishes them.

    The pause lets load balancers notice before connections are refused. SIGINT (Ctrl-C) skips it, a second signal
    skips it too, a third ends the wait for requests in flight.
    """

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, drain_seconds: float) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._drain_seconds = drain_seconds

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Also handles the signals that change the log level, while it serves."""
        with super().capture_signals(), switchable_level():
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Called for SIGTERM and SIGINT; uvicorn's own handler would end the process by the signal, not with 0."""
        if self._lifecycle.draining:
            self.force_exit = self.should_exit
            self.should_exit = True
            return
        self._lifecycle.draining = True
        pause = self._drain_seconds if sig == signal.SIGTERM else 0
        _log.info("draining", signal=signal.Signals(sig).name, pause_seconds=pause)
        asyncio.get_running_loop().call_later(pause, self._stop_accepting)

    def _stop_accepting(self) -> None:
        self.should_exit = True


def create_server(app: FastAPI, lifecycle: Lifecycle, http: HttpSettings, shutdown: ShutdownSettings) -> DrainingServer:
    """A server that is not started."""
    config = uvicorn.Config(
        app,
        host=http.host,
        port=http.port,
        log_config=None,
        access_log=False,
        ws="none",  # not offered, and uvicorn would log addresses and queries
        server_header=False,
        timeout_graceful_shutdown=shutdown.grace_seconds,
    )
    return DrainingServer(config, lifecycle, shutdown.drain_seconds)


def serve(app: FastAPI, lifecycle: Lifecycle, http: HttpSettings, shutdown: ShutdownSettings) -> bool:
    """Serve until a signal stops it.

    Returns:
        whether it started at all.
    """
    server = create_server(app, lifecycle, http, shutdown)
    server.run()
    return server.started
