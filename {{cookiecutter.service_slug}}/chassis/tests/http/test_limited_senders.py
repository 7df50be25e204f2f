"""What exceeds its caller's quota by far is refused by the server, before it costs a task."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from chassis.http import overload
from chassis.http.overload import MAX_LIMITED, LimitedSenders, Sender
from chassis.http.settings import HttpSettings
from tests.sample.api import URL

from .conftest import Lines
from .parcels import create_service
from .sockets import GET, PATIENCE_SECONDS, Answer, Listening, Socket, listening

LIST = f"GET {URL} HTTP/1.1\r\nhost: service\r\n".encode()
POST = f"POST {URL} HTTP/1.1\r\nhost: service\r\ncontent-type: application/json\r\n".encode()
END = b"\r\n"
BODY = b"content-length: 2\r\n\r\n{}"
BURST = 3
# The next read is allowed after a second.
QUOTAS = {"rate_limit": "on", "rate_limit_read_burst": BURST, "rate_limit_reads_per_second": 1}
REFUSED_READS = 'http_requests_over_limit_total{action="refused",group="read"}'
SENDER = Sender("read", "127.0.0.1", b"")


def serving(**settings: Any) -> AbstractAsyncContextManager[Listening]:
    """A service with these quotas that listens."""
    values = QUOTAS | settings
    return listening(create_service(settings=HttpSettings.model_validate(values)), **values)


async def answer(connection: Socket, request: bytes) -> Answer:
    """Send a request, and return its response."""
    await connection.send(request)
    return await connection.answer()


async def exceed(connection: Socket, request: bytes = LIST + END) -> Answer:
    """Use up the quota; returns the first refusal, which is the application's."""
    for _ in range(BURST):
        assert (await answer(connection, request)).status == 200
    refused = await answer(connection, request)
    assert refused.status == 429
    assert "x-correlation-id" in refused.headers
    return refused


def assert_refused_early(refused: Answer, like: Answer) -> None:
    """The same document as that of the application, which has not seen the request."""
    assert refused.status == 429
    assert "x-correlation-id" not in refused.headers
    names = ("ratelimit", "ratelimit-policy", "retry-after", "content-type", "x-content-type-options")
    assert {name: refused.headers[name] for name in names} == {name: like.headers[name] for name in names}
    expected = like.problem()
    del expected["correlation_id"]
    assert refused.problem() == expected


async def test_the_server_refuses_until_the_next_request_is_within_the_quota(logged: Lines) -> None:
    async with serving() as server, server.connected() as connection:
        like = await exceed(connection)
        early = 0
        while (last := await answer(connection, LIST + END)).status == 429:
            assert_refused_early(last, like)
            early += 1
        assert last.status == 200
        assert early >= 3
        assert await server.figure(REFUSED_READS) == early + 1
        async with asyncio.timeout(PATIENCE_SECONDS):
            while sum(line["count"] for line in logged() if line["event"] == "rate limit exceeded") < early + 1:  # noqa: ASYNC110 - a line has no event
                await asyncio.sleep(0.05)


async def test_others_are_served() -> None:
    async with serving() as server, server.connected() as connection, server.connected("127.0.0.2") as other:
        like = await exceed(connection)
        assert_refused_early(await answer(connection, LIST + END), like)
        assert (await answer(connection, GET)).status == 200  # a probe
        assert (await answer(connection, POST + BODY)).status == 422  # of a group with a quota of its own
        assert (await answer(other, LIST + END)).status == 200


async def test_behind_a_proxy_others_are_served() -> None:
    def forwarded(address: str) -> bytes:
        return LIST + f"x-forwarded-for: {address}\r\n\r\n".encode()

    async with serving(trusted_proxies="127.0.0.1") as server, server.connected() as proxy:
        await exceed(proxy, forwarded("192.0.2.1"))
        assert (await answer(proxy, forwarded("192.0.2.2"))).status == 200
        refused = await answer(proxy, forwarded("192.0.2.1"))
        assert (refused.status, "x-correlation-id" in refused.headers) == (429, True)


def test_a_bounded_number_of_senders_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "monotonic", lambda: 0.0)
    senders = LimitedSenders({"read": b"refused"})
    for number in range(MAX_LIMITED + 1):
        senders.add(SENDER._replace(address=str(number)), 1)
    assert senders.refuse(SENDER._replace(address="0"), "GET") == b""
    assert senders.refuse(SENDER._replace(address="1"), "GET") == b"refused"
    monkeypatch.setattr(overload, "monotonic", lambda: 1.0)
    assert senders.refuse(SENDER._replace(address="1"), "GET") == b""
    assert senders
    senders.forget_expired()
    assert not senders
