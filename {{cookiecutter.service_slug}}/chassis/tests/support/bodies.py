"""Hostile requests, as bytes: whatever a client sends as a body, with or without an idempotency key, on any route."""

import json
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any, ClassVar, NamedTuple

import pytest

from chassis.database.port import Database
from chassis.database.retries import Retries
from chassis.database.transactions import Transactions
from chassis.http.application import Service
from tests.http.parcels import DRAFT, create_service
from tests.http.sockets import Listening, listening
from tests.sample.api import URL, ParcelStore

# Kept, so that a failure can be repeated. Another one, or a larger count, searches further.
SEED = 20_261_126
SCALARS: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**31,
    2**63,
    2**64,
    10**400,
    1e308,
    float("nan"),
    float("-inf"),
    "",
    "\0",
    "\ud800",
    "\udfff\ud800",
    "\N{PILE OF POO}",
    "\u202e",
    "x" * 65,
    "1; DROP TABLE parcels",
    [],
    {},
)
KEYS = ("reference", "quantity", "status", "id", "__proto__", "", "\ud800", "\0", "a/b~c")
CONTENT_TYPES = (
    "application/json",
    "application/json; charset=utf-16",
    "application/json; charset=nonsense",
    "application/merge-patch+json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=a",
    "text/plain",
    "nonsense",
    "",
    None,
)


class Raw(NamedTuple):
    """A request as bytes.

    Args:
        content: everything that is sent.
        whole: False if its client ends the connection before the end of the body.
    """

    content: bytes
    whole: bool


class Hostile:
    """Makes requests from one seed.

    Args:
        random: their only source.
    """

    def __init__(self, random: Random) -> None:
        self.random = random

    def body(self) -> bytes:
        """What should never be a server error."""
        make = self.random.choice((self._noise, self._deep, self._number, self._document, self._document, self._broken))
        return make()

    def requests(self, body: bytes, routes: Iterator[tuple[str, str]]) -> Iterator[Raw]:
        """The body on every route, without and with a key, which is the same for all routes."""
        for method, path in routes:
            for key in (None, f"{self.random.getrandbits(24):x}"):
                yield self._request(method, path, body, key)

    def _request(self, method: str, path: str, body: bytes, key: str | None) -> Raw:
        lines = [f"{method} {path} HTTP/1.1", "host: service", "connection: close", "if-match: *"]
        if (content_type := self.random.choice(CONTENT_TYPES)) is not None:
            lines.append(f"content-type: {content_type}")
        if key is not None:
            lines.append(f"idempotency-key: {key}")
        if self.random.random() < 0.1:
            lines.append("content-encoding: gzip")
        framing, content, whole = self._framed(body)
        return Raw("\r\n".join([*lines, framing, "", ""]).encode() + content, whole)

    def _framed(self, body: bytes) -> tuple[str, bytes, bool]:
        kind = self.random.random()
        if kind < 0.8:
            whole = kind > 0.05
            return f"content-length: {len(body) + (not whole)}", body, whole
        size = self.random.choice((1, 7, 1_000))
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        content = b"".join(b"%x;a=b\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        end = self.random.choice(
            (b"0\r\n\r\n", b"0\r\nx: y\r\n\r\n", b"0\r\n", b"", b"-1\r\n", b"fffffffffffffffff\r\n")
        )
        return "transfer-encoding: chunked", content + end, end.endswith(b"\r\n\r\n")

    def _noise(self) -> bytes:
        return self.random.randbytes(self.random.randrange(200))

    def _deep(self) -> bytes:
        depth = self.random.choice((253, 254, 255, 1_023, 1_024, 1_025, 30_000))
        start, end = self.random.choice(((b"[", b"]"), (b'{"a":', b"}")))
        return start * depth + self.random.choice((b"1", b"")) + end * self.random.choice((depth, 0))

    def _number(self) -> bytes:
        number = self.random.choice(
            (b"9" * 5_000, b"-" + b"9" * 20, b"1e400", b"1E-400", b"0x10", b"01", b"1.", b"Infinity")
        )
        return b'{"reference": "A-1001", "quantity": ' + number + b"}"

    def _document(self) -> bytes:
        document = {self.random.choice(KEYS): self._value(3) for _ in range(self.random.randrange(4))}
        document |= self.random.choice(({}, DRAFT, {"quantity": 4}, {"reference": self._value(0), "quantity": 1}))
        text = json.dumps(document, ensure_ascii=self.random.random() < 0.5)
        return self._repeated(text).encode(self.random.choice(("utf-8", "utf-16", "utf-32")), "surrogatepass")

    def _repeated(self, text: str) -> str:
        """Sometimes with a key twice, or a byte order mark."""
        if self.random.random() < 0.2 and text != "{}":
            text = f'{text[:-1]}, "quantity": 5, "quantity": "6"}}'
        return f"\ufeff{text}" if self.random.random() < 0.1 else text

    def _value(self, depth: int) -> Any:
        if depth and self.random.random() < 0.3:
            return [self._value(depth - 1) for _ in range(self.random.randrange(3))]
        return self.random.choice(SCALARS)

    def _broken(self) -> bytes:
        body = bytearray(self._document() or b"{}")
        for _ in range(self.random.randrange(1, 4)):
            body[self.random.randrange(len(body))] = self.random.randrange(256)
        return bytes(body[: self.random.randrange(len(body)) + 1])


async def send_hostile_bodies(service: Service, count: int, seed: int = SEED) -> None:
    """Send each body to each route; fails with the seed at the first that is a server error.

    Also if nobody waits for the response: an error is counted by the metrics.
    """
    hostile = Hostile(Random(seed))  # noqa: S311 - no secret
    statuses = Counter[int | None]()
    async with listening(service) as server:
        location = await created(server)
        for number in range(count):
            requests = hostile.requests(hostile.body(), routes(service, location))
            statuses.update([await checked(server, request) for request in requests])
            if number % 50 == 49 or number == count - 1:
                assert await server_errors(server) == [], f"seed {seed}, one of 50 bodies up to {number}"
    assert {200, 400, 422} <= set(statuses), statuses


async def checked(server: Listening, request: Raw) -> int | None:
    """The status of a request. Its repr is code that repeats it."""
    status = await server.status_of(request.content, whole=request.whole)
    assert status is None or status < 500, request
    return status


def routes(service: Service, location: str) -> Iterator[tuple[str, str]]:
    """Every operation, on a resource that exists; those that never read a body too."""
    for path, operations in service.app.openapi()["paths"].items():
        for method in operations:
            yield method.upper(), path.replace(URL + "/{id}", location)


async def created(server: Listening) -> str:
    """The path of a new parcel."""
    body = json.dumps(DRAFT).encode()
    head = (
        f"POST {URL} HTTP/1.1\r\nhost: service\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return (await server.exchange(head.encode() + body)).headers["location"]


async def server_errors(server: Listening) -> list[str]:
    """The counters of responses with 5xx."""
    metrics = (await server.exchange(b"GET /metrics HTTP/1.1\r\nhost: service\r\n\r\n")).body.decode()
    return [line for line in metrics.splitlines() if line.startswith("http_requests_total") and 'status="5' in line]


class BodyConformance:
    """No body is a server error on this database. Override `parcels`; needs a fixture `database`."""

    count: ClassVar[int] = 2_000

    def parcels(self, database: Database) -> ParcelStore:
        """The sample's parcels on the database."""
        raise NotImplementedError

    @pytest.mark.long
    async def test_no_body_is_a_server_error(self, database: Database) -> None:
        transactions = Transactions(database, Retries())
        service = create_service(transactions=transactions, parcels=self.parcels(database), checks={})
        await send_hostile_bodies(service, self.count)
