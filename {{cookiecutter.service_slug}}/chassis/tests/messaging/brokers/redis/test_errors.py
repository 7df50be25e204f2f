"""The server's errors as reasons that may be shown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from chassis.errors import Unavailable
from chassis.messaging.brokers.redis import BrokerSettings

from .conftest import closing


@asynccontextmanager
async def failing_server(error: str) -> AsyncIterator[BrokerSettings]:
    """A server that accepts every connection and answers every command with an error."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            for command in data.split(b"*")[1:]:
                writer.write(b"+OK\r\n" if b"CLIENT" in command else f"-{error}\r\n".encode())
        writer.close()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield BrokerSettings(url=SecretStr(f"redis://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("LOADING Redis is loading the dataset in memory", "the server is loading its data"),
        ("READONLY You can't write against a read only replica.", "the server is a read-only replica"),
        ("MASTERDOWN Link with MASTER is down", "the server has lost its primary"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "the server is out of memory"),
        ("MISCONF Redis is configured to save RDB snapshots, but ...", "the server cannot write to its disk"),
        ("NOREPLICAS Not enough good replicas to write.", "the server has too few replicas"),
        ("BUSY Redis is busy running a script.", "the server is busy with a script"),
        ("NOAUTH Authentication required.", "credentials are refused"),
        ("WRONGPASS invalid username-password pair or user is disabled.", "credentials are refused"),
        ("NOPERM this user has no permissions to run the 'evalsha' command", "permissions are missing"),
        ("MOVED 3999 10.0.0.7:6381", "the server is a cluster, which is not supported"),
        ("ERR max number of clients reached", "too many connections"),
        ("ERR DB index is out of range", "no such database"),
        ("ERR Error compiling script: unexpected symbol near '#'", "the server is older than Redis 7"),
        ("ERR something new at 10.0.0.7", "the server refuses a command"),
    ],
)
async def test_each_error_has_its_reason(error: str, reason: str) -> None:
    async with failing_server(error) as settings, closing(settings) as broker:
        with pytest.raises(Unavailable) as raised:
            await broker.check()
    assert raised.value.reason == reason


async def test_a_server_without_tls_is_distinguished_from_one_that_is_away() -> None:
    async with failing_server("ERR") as settings:
        url = settings.address.replace("redis://", "rediss://")
        async with closing(BrokerSettings(url=SecretStr(url))) as broker:
            with pytest.raises(Unavailable) as raised:
                await broker.check()
    assert raised.value.reason == "no TLS with the server"
