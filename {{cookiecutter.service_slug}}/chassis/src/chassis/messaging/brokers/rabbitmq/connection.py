"""A connection that is made again whenever it breaks."""

import asyncio
import logging
import ssl
from contextlib import suppress

import structlog
from aio_pika import Connection
from aio_pika.abc import AbstractConnection, ConnectionParameter
from aio_pika.exceptions import ConnectionClosed
from yarl import URL

from ....background import Backoff
from ....errors import Unavailable
from .errors import BROKEN, unavailable, unavailable_errors
from .settings import BrokerSettings
from .transport import BrokerTransport

RECONNECT = Backoff(first=0.1, longest=5)
# A shorter connection counts as one more failure: a server that closes each one must not be called in a loop.
STABLE_SECONDS = 5
# The server counts as dead after three heartbeats without an answer.
HEARTBEAT_SECONDS = 10
CLOSE_SECONDS = 2

_log = structlog.stdlib.get_logger("broker")
# They log host names, and each failure several times, once as an error; the adapter logs what matters.
for _library in ("aiormq", "aio_pika"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)


class BrokerConnection(Connection):
    """A connection over a transport of the adapter's own."""

    PARAMETERS = (
        *Connection.PARAMETERS,
        ConnectionParameter("transport_factory", parser=lambda factory: factory, is_kwarg=True),
    )

    def __init__(self, url: URL, tcp: BrokerTransport, name: str) -> None:
        super().__init__(url, client_properties={"connection_name": name}, transport_factory=tcp)
        self.tcp = tcp


class ReconnectingConnection:
    """Connects from `open` to `close`, without end, with growing pauses.

    aio-pika's own robust connection would restore channels and consumers on a server that came back empty before the
    publisher has declared its queues, and offers no reason to show while the server is away.

    Args:
        settings: the server and its time limits.
        name: of the service.
        purpose: of the connection, for the log and the server's list.
    """

    def __init__(self, settings: BrokerSettings, name: str, purpose: str) -> None:
        self._settings = settings
        self._name = name
        self._purpose = purpose
        self._outcome: asyncio.Future[BrokerConnection] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._tcp: BrokerTransport | None = None

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

    async def connection(self) -> BrokerConnection:
        """The connection; waits while the first attempt lasts.

        Raises:
            Unavailable: that attempt has failed; others follow.
        """
        if self._outcome is None:
            raise RuntimeError("the broker is used before open()")
        # The error is shared: each caller gets an exception, and a traceback, of its own.
        try:
            return await asyncio.shield(self._outcome)
        except Unavailable as error:
            raise Unavailable(error.dependency, error.reason) from None

    def abort(self) -> None:
        """Drop a connection that does not answer; the next one is made at once."""
        if self._tcp is not None:
            self._tcp.abort()

    async def _keep(self) -> None:
        failures = 0
        while True:
            started = asyncio.get_running_loop().time()
            lost = asyncio.Event()
            try:
                with unavailable_errors():
                    connection = await self._connect(lost)
            except Exception as error:
                self._report(error)
            else:
                self._settle(connection)
                _log.info("broker connected", connection=self._purpose)
                await self._until_lost(connection, lost)
                _log.warning("broker connection lost; reconnecting", connection=self._purpose)
                self._outcome = asyncio.get_running_loop().create_future()
            lasted = asyncio.get_running_loop().time() - started
            failures = 1 if lasted > STABLE_SECONDS + self._settings.connect_timeout_seconds else failures + 1
            await asyncio.sleep(RECONNECT.after(failures))

    async def _connect(self, lost: asyncio.Event) -> BrokerConnection:
        url = self._url()
        self._tcp = BrokerTransport(self._tls())
        connection = BrokerConnection(url, self._tcp, f"{self._name} {self._purpose}")
        connection.close_callbacks.add(lambda *_: lost.set())
        try:
            async with asyncio.timeout(self._settings.connect_timeout_seconds):
                await connection.connect()
        except BaseException:
            self._tcp.abort()
            await connection.close()
            raise
        return connection

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

    async def _until_lost(self, connection: AbstractConnection, lost: asyncio.Event) -> None:
        try:
            await lost.wait()
        finally:
            try:
                with suppress(*BROKEN):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await connection.close(ConnectionClosed(200, "closed by this service"))
            finally:
                self.abort()

    def _settle(self, outcome: BrokerConnection | Unavailable) -> None:
        if self._outcome is None or self._outcome.done():
            self._outcome = asyncio.get_running_loop().create_future()
        if isinstance(outcome, Unavailable):
            self._outcome.set_exception(outcome)
            self._outcome.exception()  # marks it as retrieved, so that asyncio does not complain if nothing waits
        else:
            self._outcome.set_result(outcome)

    def _report(self, error: Exception) -> None:
        unexpected = not isinstance(error, Unavailable)
        reason = error if isinstance(error, Unavailable) else unavailable(error)
        known = self._outcome.exception() if self._outcome is not None and self._outcome.done() else None
        if unexpected or str(known) != str(reason):
            text = "cannot connect to broker; retrying"
            _log.warning(text, connection=self._purpose, reason=reason.reason, exc_info=unexpected)
        self._settle(reason)
