"""One connection to NATS, until it is lost."""

import asyncio
import math
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog
from nats.aio.client import Client, Server
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as Inbox
from nats.errors import Error, StaleConnectionError

from .acks import CONFIRMED
from .errors import NoPassword, NotEncrypted, reason_of
from .publisher import ConfirmingPublisher
from .reasons import LOST, NO_ANSWER, RIGHTS, reason_of_code
from .settings import BrokerSettings

PING_SECONDS = 5  # a connection that leaves two pings unanswered counts as lost
CLOSE_SECONDS = 1
WATCH_SECONDS = 0.25
NEVER_SECONDS = 1e9

_log = structlog.stdlib.get_logger("broker")


class Session:
    """One connection. What was declared or subscribed through it ends with it."""

    def __init__(self, settings: BrokerSettings, service_name: str) -> None:
        self._settings = settings
        self._service_name = service_name
        self._established = False
        self._encrypted = False
        self._watching: asyncio.Task[None] | None = None
        self._inboxes: list[Inbox] = []
        self.client = Client()
        self.jetstream = self.client.jetstream(timeout=settings.publish_timeout_seconds)
        self.publisher = ConfirmingPublisher(self.client)
        self.lost = asyncio.Event()
        self.refused: str | None = None
        self.declared: set[str] = set()
        self._callbacks: dict[Callable[[], None], None] = {self.publisher.connection_lost: None}

    async def connect(self) -> None:
        """Log in. Raises nats.errors.Error, OSError."""
        options: dict[str, Any] = {}
        if self._settings.user is not None:
            options |= {"user": self._settings.user, "password": self._password}
        if self._settings.is_encrypted or self._settings.tls_ca_file is not None:
            options["tls"] = self._observed(self._settings.tls_context())
        async with asyncio.timeout(self._settings.connect_timeout_seconds):
            await self.client.connect(
                [self._settings.server],
                name=self._service_name,
                connect_timeout=math.ceil(self._settings.connect_timeout_seconds),
                ping_interval=PING_SECONDS,
                error_cb=self._failed,
                disconnected_cb=self._ended,
                closed_cb=self._ended,
                reconnect_to_server_handler=_never,
                **options,
            )
            self._require_encryption()
            await self.subscribe(self.publisher.answers, self.publisher.receive)
        self._established = True
        self._watching = asyncio.create_task(self._watch())

    async def subscribe(self, subject: str, receive: Callable[[Msg], Awaitable[None]]) -> Inbox:
        """Have the messages of a subject received, until the session ends. Raises nats.errors.Error."""
        inbox = await self.client.subscribe(subject, cb=receive, pending_bytes_limit=0)
        self._inboxes.append(inbox)
        return inbox

    async def close(self) -> None:
        """Close it; messages sent before have arrived, if the connection still works."""
        if self._watching is not None:
            self._watching.cancel()
        with suppress(Error, OSError):
            async with asyncio.timeout(CLOSE_SECONDS):
                if not self.lost.is_set():
                    await self.client.flush()
        # Each by itself, because a client whose connection is lost gives up closing at the first unsent byte.
        for inbox in self._inboxes:
            with suppress(Error, OSError):
                await inbox.unsubscribe()
        # Whatever it raises, the client is not used any more; after a failed handshake it never calls back.
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.client.close()
        await self._ended()

    def when_lost(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call this when the connection is lost; returns a function that cancels that."""
        self._callbacks[callback] = None
        return lambda: self._callbacks.pop(callback, None)

    def reason_of(self, answers: Sequence[int | None]) -> str:
        """Why published messages are not confirmed."""
        codes = [answer for answer in answers if answer not in (CONFIRMED, None)]
        if codes and codes[0] is not None:
            return reason_of_code(codes[0])
        return LOST if self.lost.is_set() else self.refused or NO_ANSWER

    def _password(self) -> str:
        # The library asks for it after the TLS handshake, and before anything secret is sent.
        self._require_encryption()
        try:
            return self._settings.read_password()
        except OSError as error:
            raise NoPassword from error

    def _observed(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """The same context; it reports a completed handshake, as the library does not."""

        def completed() -> None:
            self._encrypted = True

        class ObservedTls(ssl.SSLObject):
            def do_handshake(self) -> None:
                super().do_handshake()
                completed()

        context.sslobject_class = ObservedTls
        return context

    def _require_encryption(self) -> None:
        if self._settings.is_encrypted and not self._encrypted:
            raise NotEncrypted

    async def _watch(self) -> None:
        """Notice a client that has closed itself, which it reports only if it could send everything before."""
        while not self.client.is_closed:  # noqa: ASYNC110 - the library has no event for it
            await asyncio.sleep(WATCH_SECONDS)
        await self._ended()

    async def _failed(self, error: Exception) -> None:
        """Called by the library. Raising ends its first attempt, which it would otherwise repeat without a reason."""
        if not self._established:
            raise error
        if isinstance(error, (OSError, StaleConnectionError)):
            return  # the connection is lost, which is reported
        _log.warning("broker reported an error", reason=reason_of(error), error=str(error))
        if reason_of(error) == RIGHTS:
            self.refused = RIGHTS

    async def _ended(self) -> None:
        self.lost.set()
        for callback in list(self._callbacks):
            callback()


def _never(servers: list[Server], info: dict[str, Any]) -> tuple[None, float]:
    """Keep the library from reconnecting.

    It would publish late what was reported as failed long ago, and gives up for good after some of the server's errors.
    """
    del servers, info
    return None, NEVER_SECONDS
