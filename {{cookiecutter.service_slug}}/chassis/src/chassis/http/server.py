"""Serves an application and stops it without losing a request."""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from ..telemetry.log_level import switchable_level
from .connection import ConnectionConfig, ConnectionLimits, LimitedHttpProtocol
from .lifecycle import Lifecycle
from .settings import HttpSettings, ShutdownSettings

_log = structlog.stdlib.get_logger("server")


class CannotListen(Exception):
    """The address cannot be listened on; the message has the reason."""

    def __init__(self, http: HttpSettings, error: OSError | ValueError) -> None:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else "is not a host"
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            super().__init__(f"{http.port} is in use on {http.host}")
        else:
            super().__init__(f"{http.port} cannot be listened on at {http.host}: {reason}")


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

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; once a second, connections are closed that wait too long for their clients."""
        if counter % 10 == 0:
            if refused := self._lifecycle.load.take_refused():
                _log.warning("requests shed", count=refused)
            self._lifecycle.load.limited.forget_expired()
            for group, refused in self._lifecycle.load.limited.take_refused().items():
                _log.warning("rate limit exceeded", group=group, action="refused", count=refused)
            for connection in list(self.server_state.connections):
                if isinstance(connection, LimitedHttpProtocol):
                    connection.close_if_expired()
        return await super().on_tick(counter)

    def _stop_accepting(self) -> None:
        self.should_exit = True


def create_server(app: FastAPI, lifecycle: Lifecycle, http: HttpSettings, shutdown: ShutdownSettings) -> DrainingServer:
    """A server that is not started."""
    config = ConnectionConfig(
        app,
        limits=ConnectionLimits(
            max_header_bytes=http.max_header_bytes,
            header_seconds=http.header_timeout_seconds,
            body_seconds=http.timeout_seconds,
            idle_seconds=http.keep_alive_seconds,
        ),
        lifecycle=lifecycle,
        timeout_keep_alive=http.keep_alive_seconds,
        host=http.host,
        port=http.port,
        log_config=None,
        access_log=False,
        ws="none",  # not offered, and uvicorn would log addresses and queries
        server_header=False,
        proxy_headers=bool(http.proxies),
        forwarded_allow_ips=http.proxies,
        timeout_graceful_shutdown=shutdown.grace_seconds,
    )
    return DrainingServer(config, lifecycle, shutdown.drain_seconds)


def serve(app: FastAPI, lifecycle: Lifecycle, http: HttpSettings, shutdown: ShutdownSettings) -> bool:
    """Serve until a signal stops it.

    Returns:
        whether it started at all.

    Raises:
        CannotListen: the port is in use, or the address is not one of this machine; nothing was opened.
    """
    _check_address(http)
    server = create_server(app, lifecycle, http, shutdown)
    try:
        server.run()
    except SystemExit:  # uvicorn's way to end after a failed start, which it has logged
        if server.started:
            raise
    return server.started


def _check_address(http: HttpSettings) -> None:
    """Bind and close: uvicorn would only find out after everything else has started, and end the process itself."""
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            http.host, http.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name == "posix")
                if family == socket.AF_INET6:  # as asyncio does: IPv4 has a socket of its own
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, True)
                probe.bind(address)
    except (OSError, ValueError) as error:  # no label of a name has more than 63 characters (RFC 1035)
        raise CannotListen(http, error) from error
