"""The proxy and the outages that tests of brokers use."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest

from chassis.testing.brokers.outage import outage_of
from chassis.testing.faults import fault_proxy


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while line := await reader.readline():
            writer.write(line)
    writer.transport.abort()


@pytest.fixture
async def echo_url() -> AsyncIterator[str]:
    """The URL of a server that repeats each line."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    yield f"echo://user:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}/name"
    server.close()


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """A connection to the server of a URL, inside the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def is_echoed(connection: Connection) -> bool:
    """Whether a line comes back; False once the connection is reset."""
    reader, writer = connection
    writer.write(b"line\n")
    try:
        return await reader.readline() == b"line\n"
    except ConnectionResetError:
        return False


async def test_the_url_keeps_everything_but_the_address(echo_url: str) -> None:
    async with fault_proxy(echo_url) as proxy:
        assert proxy.url.startswith("echo://user:secret@127.0.0.1:")
        assert proxy.url.endswith("/name")
        assert proxy.url != echo_url


async def test_cut_resets_open_connections_and_new_ones_work(echo_url: str) -> None:
    async with fault_proxy(echo_url) as proxy, connected(proxy.url) as before:
        assert await is_echoed(before)
        proxy.cut()
        assert not await is_echoed(before)
        async with connected(proxy.url) as after:
            assert await is_echoed(after)
        assert proxy.accepted == 2


async def test_refused_connections_work_again_after_restore(echo_url: str) -> None:
    async with fault_proxy(echo_url) as proxy:
        proxy.refuse()
        async with connected(proxy.url) as refused:
            assert not await is_echoed(refused)
        proxy.restore()
        async with connected(proxy.url) as restored:
            assert await is_echoed(restored)


async def test_a_black_hole_keeps_bytes_until_restore(echo_url: str) -> None:
    async with fault_proxy(echo_url) as proxy, connected(proxy.url) as connection:
        assert await is_echoed(connection)
        proxy.black_hole()
        echoed = asyncio.create_task(is_echoed(connection))
        done, _ = await asyncio.wait([echoed], timeout=0.1)
        assert not done
        proxy.restore()
        assert await echoed


async def test_an_outage_refuses_connections_until_it_ends_on_the_same_port(
    echo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAOS_BROKER_STOP", raising=False)
    monkeypatch.delenv("CHAOS_BROKER_START", raising=False)
    async with outage_of(echo_url) as outage:
        url = outage.environment["BROKER_URL"]
        await outage.down()
        with pytest.raises(OSError, match="onnect"):
            await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        await outage.up()
        assert outage.environment["BROKER_URL"] == url
        async with connected(url) as connection:
            assert await is_echoed(connection)
