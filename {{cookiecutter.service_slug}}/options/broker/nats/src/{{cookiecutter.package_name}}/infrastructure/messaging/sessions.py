"""One connection to NATS, from its making to its loss."""

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog
from nats.aio.client import Client
from nats.aio.client import Server as KnownServer
from nats.errors import Error, StaleConnectionError

from ...config.broker import BrokerSettings
from .answers import CONFIRMED
from .confirms import Confirms
from .errors import NoPassword, NotEncrypted, reason_of
from .reasons import LOST, NO_ANSWER, RIGHTS, reason_of_code

PING_SECONDS = 5  # a connection that leaves two of them unanswered counts as lost
CLOSE_SECONDS = 1
FOR_EVER_SECONDS = 1e9

log = structlog.stdlib.get_logger("broker")


class _Client(Client):
    """A client whose end is always told.

    The library first tries to send what is left. Where the connection is gone that raises, and nobody hears of the end.
    """

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        self._pending.clear()
        self._pending_data_size = 0
        await super()._close(status, do_cbs)

    def is_encrypted(self) -> bool:
        """Whether the server has asked for TLS, which is then in use before anything is sent."""
        return bool(self._server_info.get("tls_required"))


class Session:
    """One connection from its making to its loss. What was declared or asked through it ends with it."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._established = False
        self.client = _Client()
        self.jetstream = self.client.jetstream(timeout=settings.publish_timeout_seconds)
        self.confirms = Confirms(self.client)
        self.lost = asyncio.Event()
        self.refused: str | None = None
        self.declared: set[str] = set()
        self._listeners: dict[Callable[[], None], None] = {self.confirms.give_up: None}

    async def connect(self) -> None:
        """Log in. Raises nats.errors.Error, OSError."""
        options: dict[str, Any] = {}
        if self._settings.user is not None:
            options |= {"user": self._settings.user, "password": self._password}
        if self._settings.is_encrypted or self._settings.tls_ca_file is not None:
            options["tls"] = self._settings.tls_context()
        async with asyncio.timeout(self._settings.connect_timeout_seconds):
            await self.client.connect(
                [self._settings.server],
                name="{{ cookiecutter.service_slug }}",
                connect_timeout=math.ceil(self._settings.connect_timeout_seconds),
                ping_interval=PING_SECONDS,
                error_cb=self._failed,
                disconnected_cb=self._ended,
                closed_cb=self._ended,
                reconnect_to_server_handler=_never,
                **options,
            )
            self._require_encryption()
            await self.confirms.start()
        self._established = True

    async def close(self) -> None:
        """Let go of it; what was sent before has arrived, if the connection still works."""
        with suppress(Error, OSError):
            async with asyncio.timeout(CLOSE_SECONDS):
                if not self.lost.is_set():
                    await self.client.flush()
        # Whatever is wrong with it, it is not used any more; after a failed handshake its end never comes.
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.client.close()
        await self._ended()

    def when_lost(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Have somebody told of the end; returns what takes that back."""
        self._listeners[tell] = None
        return lambda: self._listeners.pop(tell, None)

    def reason_of(self, answers: Sequence[int | None]) -> str:
        """Why something that was published is not confirmed."""
        codes = [answer for answer in answers if answer not in (CONFIRMED, None)]
        if codes and codes[0] is not None:
            return reason_of_code(codes[0])
        return LOST if self.lost.is_set() else self.refused or NO_ANSWER

    def _password(self) -> str:
        # Asked for after the server has presented itself, and before anything secret is sent.
        self._require_encryption()
        try:
            return self._settings.read_password()
        except OSError as error:
            raise NoPassword from error

    def _require_encryption(self) -> None:
        if self._settings.is_encrypted and not self.client.is_encrypted():
            raise NotEncrypted

    async def _failed(self, error: Exception) -> None:
        """Called by the library. Raising ends its first attempt; it would go on alone, and tell nobody why."""
        if not self._established:
            raise error
        if isinstance(error, (OSError, StaleConnectionError)):
            return  # the end of the connection, which is told
        log.warning("the broker reports an error", reason=reason_of(error), error=str(error))
        if reason_of(error) == RIGHTS:
            self.refused = RIGHTS

    async def _ended(self) -> None:
        self.lost.set()
        for tell in list(self._listeners):
            tell()


def _never(servers: list[KnownServer], info: dict[str, Any]) -> tuple[None, float]:
    """Keeps the library from mending a connection.

    It would send late what was reported as failed long ago, and gives up for good after some of the server's errors.
    """
    del servers, info
    return None, FOR_EVER_SECONDS
