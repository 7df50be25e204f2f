"""Connections to Redis: a pool for short commands, one of its own for each who waits for messages."""

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

from ...config.broker import BrokerSettings
from ...domain.errors import Unavailable
from .errors import is_wrong_server, unavailable_errors

Argument = bytes | str | int


class Connections:
    """Opens them when they are needed, and again when they are lost."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._client = _client(settings)
        self._scripts: dict[str, AsyncScript] = {}
        self._seconds = settings.publish_timeout_seconds

    async def close(self) -> None:
        """Close all of them."""
        await self._client.aclose()

    @asynccontextmanager
    async def answering(self, more_seconds: float = 0) -> AsyncIterator[Redis]:
        """For short commands, within the time limit of all of them. Raises Unavailable."""
        try:
            with unavailable_errors():
                async with asyncio.timeout(self._seconds + more_seconds):
                    yield self._client
        except Unavailable as error:
            if is_wrong_server(error.__cause__):
                await self._client.connection_pool.disconnect()
            raise

    async def run(self, script: str, keys: Sequence[str], *args: Argument) -> Any:
        """What a script answers. Raises Unavailable."""
        if script not in self._scripts:
            self._scripts[script] = self._client.register_script(script)
        async with self.answering():
            return await self._scripts[script](keys, args)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[Redis]:
        """A connection that nobody else uses. What is asked there needs `answering` around it as well."""
        connection = self._client.client()
        connection.set_response_callback("XREADGROUP", _as_it_is)
        async with self.answering():
            await connection.initialize()
        try:
            yield connection
        finally:
            await connection.aclose()


def _client(settings: BrokerSettings) -> Redis:
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
        client_name="{{ cookiecutter.service_slug }}",
        # Plain and quick to read; the newer protocol has nothing that is needed here.
        protocol=2,
        socket_connect_timeout=settings.connect_timeout_seconds,
        # Time limits and further attempts are decided where it is known what is asked.
        socket_timeout=None,
        retry=Retry(NoBackoff(), 0),
        **encryption,
    )
    client.set_response_callback("XREADGROUP", _as_it_is)
    return client


def _as_it_is(response: Any, **_: Any) -> Any:
    """Entries are read once, by this package, and keep fields that have the same name."""
    return response


class _Credentials(CredentialProvider):
    """Asked for every connection."""

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
