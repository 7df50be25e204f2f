"""Connections of clients that send too much, too slowly, or nothing: they are bounded, and others are served."""

import asyncio
import resource
import socket
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from chassis.http import connection
from chassis.http.application import Service
from chassis.http.settings import HttpSettings
from tests.sample.api import URL

from .parcels import create_service
from .sockets import GET, PATIENCE_SECONDS, Answer, Listening, Socket, listening

LIMIT = 4_096
KIB = b"a" * 1_024
POST = f"POST {URL} HTTP/1.1\r\nhost: service\r\ncontent-type: application/json\r\n".encode()
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"


ENDLESS = {
    "header": (b"GET / HTTP/1.1\r\nhost: service\r\nx: ", KIB, 431),
    "headers": (b"GET / HTTP/1.1\r\nhost: service\r\n", b"x: " + KIB + b"\r\n", 431),
    "name of a header": (b"GET / HTTP/1.1\r\nhost: service\r\n", KIB, 431),
    "request line": (b"GET /", KIB, 414),
    "empty lines": (b"\r\n", b"\r\n" * 512, 431),
    "extension of a chunk": (CHUNKED + b"1;", KIB, None),
    "trailer": (CHUNKED + b"0\r\nx: ", KIB, None),
    "trailers": (CHUNKED + b"0\r\n", b"x: y\r\n" * 100, None),
}


@pytest.mark.parametrize("kind", ENDLESS)
async def test_an_endless_part_of_a_request_ends_at_the_limit(service: Service, kind: str) -> None:
    start, piece, status = ENDLESS[kind]
    async with listening(service, max_header_bytes=LIMIT) as server, server.connected() as connection:
        ending = asyncio.create_task(ended(connection, answered=status is not None))
        sent = await send_until(ending, connection, start, piece)
        if isinstance(answer := await ending, Answer):
            assert (answer.status, answer.headers["connection"]) == (status, "close")
            assert answer.problem()["detail"] == "URL and headers may have 4096 bytes"
        assert sent < 1_000_000


async def ended(connection: Socket, *, answered: bool) -> Answer | bool:
    """The last response; without one, whether the connection is closed."""
    return await connection.answer() if answered else await connection.closed()


async def send_until(ending: asyncio.Task[Answer | bool], connection: Socket, start: bytes, piece: bytes) -> int:
    """Send what never ends until the server ends it; how many bytes that took."""
    sent = 0
    with suppress(OSError):
        while not ending.done():
            await connection.send(piece if sent else start)
            sent += len(piece)
            await asyncio.sleep(0)
    return sent


async def test_the_limit_holds_for_headers_that_arrive_at_once(service: Service) -> None:
    async with listening(service, max_header_bytes=LIMIT) as server:
        fitting = b"GET /info HTTP/1.1\r\nhost: service\r\nx: " + b"a" * 4_000 + b"\r\n\r\n"
        assert (await server.exchange(fitting)).status == 200
        large = b"GET /info HTTP/1.1\r\nhost: service\r\nx: " + b"a" * LIMIT + b"\r\n\r\n"
        assert (await server.exchange(large)).status == 431
        many = b"GET /info HTTP/1.1\r\nhost: service\r\n" + b"x: y\r\n" * connection.MAX_HEADERS + b"\r\n"
        answer = await server.exchange(many)
        assert (answer.status, answer.problem()["detail"]) == (431, "a request may have 100 headers")
        assert (await server.exchange(many.replace(b"x: y\r\n", b"", 1))).status == 200
        assert (await server.exchange(b"GET /" + b"a" * LIMIT + b" HTTP/1.1\r\nhost: service\r\n\r\n")).status == 414


async def test_a_body_does_not_count_as_headers(service: Service) -> None:
    text = b'{"reference": "A-1001", "quantity": 3' + b" " * 30_000 + b"}"
    whole = POST + b"content-length: %d\r\n\r\n" % len(text) + text
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in text) + b"0\r\n\r\n"
    async with listening(service, max_header_bytes=LIMIT) as server, server.connected() as connection:
        for request in (whole, CHUNKED + chunks, whole):
            await connection.send(request)
            assert (await connection.answer()).status == 201


@pytest.mark.parametrize("start", [b"", b"\r\n", GET], ids=["nothing", "an empty line", "a request"])
async def test_an_idle_connection_is_closed(service: Service, start: bytes) -> None:
    async with listening(service, keep_alive_seconds=1) as server, server.connected() as connection:
        await connection.send(start)
        if start == GET:
            assert (await connection.answer()).status == 200
            await connection.send(b"\r\n")
        assert await connection.closed()


@pytest.mark.parametrize("before", [b"", GET], ids=["first", "second"])
async def test_headers_that_take_too_long_are_408(service: Service, before: bytes) -> None:
    async with listening(service, header_timeout_seconds=0.2) as server, server.connected() as connection:
        await connection.send(before)
        if before:
            assert (await connection.answer()).status == 200
        await connection.send(b"GET /health/live HTTP/1.1\r\nhost:")
        answer = await connection.answer()
        assert answer.problem()["title"] == "Request Timeout"
        assert answer.problem()["detail"] == "the headers did not arrive within 0.2 seconds"
        assert await connection.closed()


async def test_a_body_that_takes_too_long_is_408() -> None:
    service = create_service(timeout_seconds=0.2)
    async with listening(service) as server, server.connected() as connection:
        await connection.send(POST + b'content-length: 50\r\n\r\n{"reference')
        answer = await connection.answer()
        assert (answer.problem()["status"], answer.headers["connection"]) == (408, "close")
        assert await connection.closed()


async def test_the_rest_of_a_body_is_not_awaited_for_ever() -> None:
    service = create_service(timeout_seconds=0.2)
    request = b"GET /nothing HTTP/1.1\r\nhost: service\r\ncontent-length: 50\r\n\r\n{"
    async with listening(service, timeout_seconds=0.2) as server, server.connected() as connection:
        await connection.send(request)
        assert (await connection.answer()).status == 404
        assert await connection.closed()


async def test_a_client_that_does_not_read_is_not_awaited_for_ever() -> None:
    service = create_service(timeout_seconds=0.2)
    async with listening(service, timeout_seconds=0.2) as server, server.connected() as connection:
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await connection.send(b"GET /openapi.json HTTP/1.1\r\nhost: service\r\n\r\n" * 1_000)
        await all_closed(server)


async def all_closed(server: Listening) -> None:
    """Wait for the server to have no connections."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while server.connections:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: one\r\nhost: two\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: one\r\nHOST: one\r\n\r\n",
        b"GET / HTTP/1.0\r\nhost: one\r\nhost: two\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: one, two\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: one/path\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: one\r\nno colon\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: one\r\n\r\n",
        POST + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"content-length: 1\r\ncontent-length: 2\r\n\r\n0\r\n\r\n",
        POST + b"content-length: 99999999999999999999999\r\n\r\n{}",
        CHUNKED + b"nonsense\r\n",
    ],
)
async def test_a_malformed_request_is_400_and_ends_the_connection(service: Service, request_bytes: bytes) -> None:
    async with listening(service) as server, server.connected() as connection:
        await connection.send(request_bytes)
        if request_bytes.startswith(CHUNKED):  # the application has the request already
            assert await connection.closed()
        else:
            answer = await connection.answer()
            assert answer.problem()["title"] == "Bad Request"
            assert await connection.closed()


@pytest.mark.parametrize("host", [b"service.example.com:8000", b"[::1]:8000", b"10.0.0.1", b"my_service", b""])
async def test_every_valid_host_is_served(service: Service, host: bytes) -> None:
    async with listening(service) as server:
        assert (await server.exchange(GET.replace(b"service", host))).status == 200
        assert (await server.exchange(b"GET /health/live HTTP/1.0\r\n\r\n")).status == 200


@pytest.fixture
def many_files() -> Iterator[None]:
    """The process may have thousands of sockets open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8_192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that do not close after a refusal are awaited for one second, which shows the same as ten."""
    monkeypatch.setattr(connection, "LINGER_SECONDS", 1)


@pytest.mark.usefixtures("many_files", "short_linger")
async def test_others_are_served_beside_two_thousand_silent_connections(service: Service) -> None:
    async with listening(service, header_timeout_seconds=1, keep_alive_seconds=1) as server:
        with ExitStack() as stack:
            for start in (b"", b"GET / HTTP/1.1\r\n") * 1_000:
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port))).sendall(start)
            assert (await server.exchange(GET)).status == 200
            assert server.connections > 1_000
            await all_closed(server)
        assert (await server.exchange(GET)).status == 200


SLOW = {
    "header": (b"GET / HTTP/1.1\r\nhost: service\r\nx: ", b"a", 408),
    "headers": (b"GET / HTTP/1.1\r\nhost: service\r\n", b"x: y\r\n", 408),
    "empty lines": (b"\r\n", b"\r\n", None),
    "body": (POST + b"content-length: 60000\r\n\r\n", b" ", 408),
    "chunks": (CHUNKED, b"1\r\n \r\n", 408),
    "body that nothing reads": (POST.replace(b"POST /v1", b"GET /v0") + b"content-length: 60000\r\n\r\n", b" ", 404),
}


@pytest.mark.parametrize("kind", SLOW)
@pytest.mark.usefixtures("short_linger")
async def test_a_client_that_sends_slowly_for_ever_is_not_awaited_for_ever(kind: str) -> None:
    start, piece, status = SLOW[kind]
    service = create_service(timeout_seconds=0.3)
    limits = {"header_timeout_seconds": 0.3, "keep_alive_seconds": 1, "timeout_seconds": 0.3}
    async with listening(service, **limits) as server, server.connected() as client:
        await client.send(start)
        sending = asyncio.create_task(trickle(client, piece))
        try:
            if status is not None:
                assert (await client.answer()).status == status
            assert await client.closed()
        finally:
            sending.cancel()
        await all_closed(server)


async def trickle(client: Socket, piece: bytes) -> None:
    """Send a piece now and then, until the connection ends."""
    with suppress(OSError):
        while True:
            await client.send(piece)
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("many_files")
async def test_headers_of_many_clients_that_never_end_take_bounded_memory(service: Service) -> None:
    clients, start = 100, b"GET / HTTP/1.1\r\nhost: service\r\n"
    headers = b"ab:cd\r\n" * (connection.MAX_HEADERS - 1)
    async with listening(service, header_timeout_seconds=300) as server:
        await server.exchange(GET)
        with ExitStack() as stack:
            tracemalloc.start()
            stack.callback(tracemalloc.stop)
            for padding in (b"x: " + b"a" * 30_000, b"xy:zz\r\n" * 4_000) * (clients // 2):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                client.sendall(start + headers + padding)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while server.connections < clients:  # noqa: ASYNC110 - the server has no event for it
                    await asyncio.sleep(0.02)
            assert (await server.exchange(GET)).status == 200
            assert tracemalloc.get_traced_memory()[0] < clients * 50_000


def test_an_idle_connection_outlives_that_of_every_proxy() -> None:
    assert HttpSettings().keep_alive_seconds > 60
