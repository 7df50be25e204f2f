"""Connections to Redis: a pool for short commands, and a dedicated one for each reader that blocks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError

from ....errors import Unavailable
from .errors import is_wrong_server, unavailable_errors
from .settings import BrokerSettings

Argument = bytes | str | int


class Connections:
    """Opens connections on demand, and again when they are lost.

    Args:
        settings: the server and its time limits.
        client_name: names the connections in the server's list of clients.
    """

    def __init__(self, settings: BrokerSettings, client_name: str) -> None:
        self._client = _client(settings, client_name)
        self._scripts: dict[str, AsyncScript] = {}
        self._seconds = settings.publish_timeout_seconds

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    @asynccontextmanager
    async def shared(self, more_seconds: float = 0) -> AsyncIterator[Redis]:
        """The pool, for short commands; the time limit covers the block. Raises Unavailable.

        Args:
            more_seconds: added to the time limit.
        """
        try:
            with unavailable_errors():
                async with asyncio.timeout(self._seconds + more_seconds):
                    yield self._client
        except Unavailable as error:
            if is_wrong_server(error.__cause__):
                await self._client.connection_pool.disconnect()
            raise

    async def run(self, script: str, keys: Sequence[str], *args: Argument) -> Any:
        """Run a script; returns its reply. Raises Unavailable."""
        if script not in self._scripts:
            self._scripts[script] = self._client.register_script(script)
        async with self.shared():
            return await self._scripts[script](keys, args)

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator[Redis]:
        """A connection for one user. Commands on it need `shared` around them too, for the time limit and errors."""
        connection = self._client.client()
        connection.set_response_callback("XREADGROUP", _unparsed)
        async with self.shared():
            await connection.initialize()
        try:
            yield connection
        finally:
            await connection.aclose()


def _client(settings: BrokerSettings, client_name: str) -> Redis:
    url = urlsplit(settings.address)
    has_password = settings.password_file is not None or url.password
    encryption: dict[str, Any] = {}
    if url.scheme == "rediss":
        encryption = {"ssl": True, "ssl_ca_certs": settings.tls_ca_file and str(settings.tls_ca_file)}
    client = Redis(
        host=url.hostname or "",
        port=url.port or 6379,
        db=int(url.path.removeprefix("/") or 0),
        credential_provider=_Credentials(unquote(url.username or ""), settings.read_password) if has_password else None,
        client_name=client_name,
        # Simple and fast to parse; the adapter needs nothing of the newer protocol.
        protocol=2,
        socket_connect_timeout=settings.connect_timeout_seconds,
        # The callers set time limits and retry, because they know which command is safe to repeat.
        socket_timeout=None,
        retry=Retry(NoBackoff(), 0),
        **encryption,
    )
    client.set_response_callback("XREADGROUP", _unparsed)
    return client


def _unparsed(response: Any, **_: Any) -> Any:
    """Entries are parsed once, by this package, and keep fields that have the same name."""
    return response


class _Credentials(CredentialProvider):
    """Called for each new connection."""

    def __init__(self, user: str, read_password: Callable[[], str]) -> None:
        self._user = user
        self._read_password = read_password

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        try:
            password = self._read_password()
        except OSError as error:
            raise AuthenticationError("the file cannot be read", status_code="WRONGPASS") from error
        return (self._user, password) if self._user else (password,)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        return self.get_credentials()
