"""A connection that is made again whenever it breaks."""

import asyncio
import logging
import ssl
from contextlib import suppress
from typing import Any

import aiormq
import structlog
from aiormq.abc import AbstractConnection
from aiormq.exceptions import ConnectionClosed
from yarl import URL

from ...config.broker import BrokerSettings
from ...domain.errors import Unavailable
from .backoff import Backoff
from .errors import BROKEN, unavailable, unavailable_errors

RECONNECT = Backoff(first=0.1, longest=5)
# A connection that lasts no longer than this counts as one more failure, so that a server that hangs up
# on everybody is not called in a loop.
STABLE_SECONDS = 5
# After three beats without a sign of life the server is taken for dead.
HEARTBEAT_SECONDS = 10
CLOSE_SECONDS = 2

_log = structlog.stdlib.get_logger("broker")
# It names hosts and tells each failure several times, once as an error; what matters is told here.
logging.getLogger("aiormq").setLevel(logging.CRITICAL)


class LastingConnection:
    """Connects from `open` to `close`, for ever, with pauses that grow."""

    def __init__(self, settings: BrokerSettings, purpose: str) -> None:
        self._settings = settings
        self._purpose = purpose
        self._outcome: asyncio.Future[AbstractConnection] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._transport: _Transport | None = None

    def open(self) -> None:
        """Begin to connect, unless that has begun."""
        if self._keeping is None:
            self._outcome = asyncio.get_running_loop().create_future()
            self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Disconnect."""
        if self._keeping is None:
            return
        self._keeping.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeping
        self._keeping = None
        self._settle(Unavailable("broker", "is closed"))

    async def connection(self) -> AbstractConnection:
        """The connection; waits while the first attempt lasts.

        Raises:
            Unavailable: that attempt has failed; others follow.
        """
        if self._outcome is None:
            raise RuntimeError("the broker is used before open()")
        # The error is everybody's: each one gets an exception, and a traceback, of its own.
        try:
            return await asyncio.shield(self._outcome)
        except Unavailable as error:
            raise Unavailable(error.dependency, error.reason) from None

    def abort(self) -> None:
        """Drop a connection that does not answer; the next one is made at once."""
        if self._transport is not None:
            self._transport.abort()

    async def _keep(self) -> None:
        failures = 0
        while True:
            started = asyncio.get_running_loop().time()
            try:
                with unavailable_errors():
                    connection = await self._connect()
            except Exception as error:
                self._tell(error)
            else:
                self._settle(connection)
                _log.info("connected to the broker", connection=self._purpose)
                await self._until_closed(connection)
                _log.warning("the connection to the broker is lost", connection=self._purpose)
                self._outcome = asyncio.get_running_loop().create_future()
            lasted = asyncio.get_running_loop().time() - started
            failures = 1 if lasted > STABLE_SECONDS + self._settings.connect_timeout_seconds else failures + 1
            await asyncio.sleep(RECONNECT.after(failures))

    async def _connect(self) -> AbstractConnection:
        url = self._url()
        self._transport = _Transport(self._tls())
        try:
            async with asyncio.timeout(self._settings.connect_timeout_seconds):
                return await aiormq.connect(
                    url,
                    transport_factory=self._transport,
                    client_properties={"connection_name": f"{{ cookiecutter.service_slug }} {self._purpose}"},
                )
        except BaseException:
            self._transport.abort()
            raise

    def _url(self) -> URL:
        try:
            password = self._settings.read_password()
        except (OSError, ValueError) as error:
            raise Unavailable("broker", "the password file cannot be read") from error
        url = URL(self._settings.address).with_query(heartbeat=HEARTBEAT_SECONDS)
        return url.with_user(url.user or "guest").with_password(password or "guest")

    def _tls(self) -> ssl.SSLContext | None:
        try:
            return self._settings.tls_context()
        except OSError as error:
            raise Unavailable("broker", "the certificates to trust cannot be read") from error

    async def _until_closed(self, connection: AbstractConnection) -> None:
        try:
            await asyncio.wait({connection.closing})
        finally:
            try:
                with suppress(*BROKEN):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await connection.close(ConnectionClosed(200, "closed by this service"))
            finally:
                self.abort()

    def _settle(self, outcome: AbstractConnection | Unavailable) -> None:
        if self._outcome is None or self._outcome.done():
            self._outcome = asyncio.get_running_loop().create_future()
        if isinstance(outcome, Unavailable):
            self._outcome.set_exception(outcome)
            self._outcome.exception()  # looked at, so that nobody complains if no one waits
        else:
            self._outcome.set_result(outcome)

    def _tell(self, error: Exception) -> None:
        unexpected = not isinstance(error, Unavailable)
        reason = error if isinstance(error, Unavailable) else unavailable(error)
        known = self._outcome.exception() if self._outcome is not None and self._outcome.done() else None
        if unexpected or str(known) != str(reason):
            text = "cannot connect to the broker"
            _log.warning(text, connection=self._purpose, reason=reason.reason, exc_info=unexpected)
        self._settle(reason)


class _Transport(aiormq.TransportFactory):
    """Makes the TCP connection, and can drop it without waiting for the other side."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._writer: asyncio.StreamWriter | None = None

    async def create(self, url: URL, **_: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Called by aiormq."""
        reader, self._writer = await asyncio.open_connection(url.host, url.port, ssl=self._tls)
        return reader, self._writer

    def abort(self) -> None:
        """Drop it."""
        if self._writer is not None:
            self._writer.transport.abort()
