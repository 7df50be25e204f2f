"""How a connection begins, with a server that only knows the first words of the protocol."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.messaging import select_broker

from ..deliveries import until


class Doorkeeper:
    """Lets nobody in, and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[dict[str, object]] = []
        self.visits = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Called for each connection."""
        self.visits += 1
        writer.write(b"INFO " + orjson.dumps({"auth_required": True, "headers": True, "max_payload": 1}) + b"\r\n")
        line = await reader.readline()
        if line.startswith(b"CONNECT "):
            self.told.append(orjson.loads(line.removeprefix(b"CONNECT ")))
            writer.write(b"-ERR 'Authorization Violation'\r\n")
        writer.close()


@asynccontextmanager
async def doorkeeper() -> AsyncIterator[tuple[Doorkeeper, int]]:
    """One, and its port, as long as the block lasts."""
    keeper = Doorkeeper()
    server = await asyncio.start_server(keeper.accept, "127.0.0.1", 0)
    async with server:
        yield keeper, server.sockets[0].getsockname()[1]


def passwords(keeper: Doorkeeper) -> list[object]:
    """What has been tried."""
    return [told["pass"] for told in keeper.told]


async def reason_of(settings: BrokerSettings) -> str:
    """Why the broker cannot be used."""
    broker = select_broker(settings)
    await broker.open()
    try:
        with pytest.raises(Unavailable) as caught:
            await broker.check()
    finally:
        await broker.close()
    return caught.value.reason


async def test_says_that_credentials_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with doorkeeper() as (keeper, port):
        settings = BrokerSettings.model_validate({"url": f"nats://app:meadow@127.0.0.1:{port}"})
        assert await reason_of(settings) == "credentials are refused"
    assert (keeper.told[0]["user"], keeper.told[0]["pass"]) == ("app", "meadow")
    assert "meadow" not in caplog.text


async def test_sends_no_password_over_a_connection_that_should_be_encrypted_and_is_not() -> None:
    async with doorkeeper() as (keeper, port):
        settings = BrokerSettings.model_validate({"url": f"tls://app:meadow@127.0.0.1:{port}"})
        assert await reason_of(settings) == "the server does not offer TLS"
    assert keeper.told == []


async def test_takes_a_new_password_from_the_file_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("old")
    async with doorkeeper() as (keeper, port):
        url = f"nats://app@127.0.0.1:{port}"
        broker = select_broker(BrokerSettings.model_validate({"url": url, "password_file": file}))
        await broker.open()
        file.write_text("new")
        await until(lambda: "new" in passwords(keeper))
        await broker.close()
    assert passwords(keeper)[0] == "old"


async def test_a_server_that_is_away_is_no_error_at_the_start() -> None:
    async with doorkeeper() as (_, port):
        pass
    settings = BrokerSettings.model_validate({"url": f"nats://127.0.0.1:{port}"})
    assert await reason_of(settings) == "cannot be reached"
