"""How a connection begins, with a server that knows only the first words of the protocol."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from chassis.errors import Unavailable
from chassis.messaging.brokers.nats import BrokerSettings, NatsBroker
from chassis.testing.brokers import eventually

from .conftest import SERVICE


class RefusingServer:
    """Refuses every client, and records what it sent."""

    def __init__(self) -> None:
        self.received: list[dict[str, object]] = []
        self.connections = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Called for each connection."""
        self.connections += 1
        writer.write(b"INFO " + orjson.dumps({"auth_required": True, "headers": True, "max_payload": 1}) + b"\r\n")
        line = await reader.readline()
        if line.startswith(b"CONNECT "):
            self.received.append(orjson.loads(line.removeprefix(b"CONNECT ")))
            writer.write(b"-ERR 'Authorization Violation'\r\n")
        writer.close()


@asynccontextmanager
async def refusing_server() -> AsyncIterator[tuple[RefusingServer, int]]:
    """One, and its port, inside the block."""
    server = RefusingServer()
    listening = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    async with listening:
        yield server, listening.sockets[0].getsockname()[1]


def passwords(server: RefusingServer) -> list[object]:
    """The passwords that were tried."""
    return [login["pass"] for login in server.received]


async def reason_of(settings: BrokerSettings) -> str:
    """Why the broker cannot be used."""
    broker = NatsBroker(settings, SERVICE)
    await broker.open()
    try:
        with pytest.raises(Unavailable) as caught:
            await broker.check()
    finally:
        await broker.close()
    return caught.value.reason


async def test_reports_refused_credentials(caplog: pytest.LogCaptureFixture) -> None:
    async with refusing_server() as (server, port):
        settings = BrokerSettings.model_validate({"url": f"nats://app:meadow@127.0.0.1:{port}"})
        assert await reason_of(settings) == "credentials are refused"
    assert (server.received[0]["user"], server.received[0]["pass"]) == ("app", "meadow")
    assert "meadow" not in caplog.text


async def test_sends_no_password_over_a_connection_that_should_be_encrypted_and_is_not() -> None:
    async with refusing_server() as (server, port):
        settings = BrokerSettings.model_validate({"url": f"tls://app:meadow@127.0.0.1:{port}"})
        assert await reason_of(settings) == "the server does not offer TLS"
    assert server.received == []


async def test_uses_a_new_password_from_the_file_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("old")
    async with refusing_server() as (server, port):
        url = f"nats://app@127.0.0.1:{port}"
        broker = NatsBroker(BrokerSettings.model_validate({"url": url, "password_file": file}), SERVICE)
        await broker.open()
        file.write_text("new")
        await eventually(lambda: "new" in passwords(server))
        await broker.close()
    assert passwords(server)[0] == "old"


async def test_a_server_that_is_away_is_no_error_at_the_start() -> None:
    async with refusing_server() as (_, port):
        pass
    settings = BrokerSettings.model_validate({"url": f"nats://127.0.0.1:{port}"})
    assert await reason_of(settings) == "cannot be reached"
