"""Deeply nested JSON, and other requests that are small and costly."""

import json
from typing import Annotated, Any

import hypothesis.strategies as st
import pytest
from fastapi import APIRouter, Body
from hypothesis import given

from chassis.http.json_depth import MAX_JSON_DEPTH, is_nested_too_deeply
from chassis.testing.http import problem, running
from tests.sample.api import URL

from .parcels import create_service
from .sockets import listening

free = APIRouter()
JSON = {"content-type": "application/json"}


@free.post("/v1/free")
async def echo(document: Annotated[Any, Body()]) -> Any:
    """Takes anything, and sends it back."""
    return document


def nested(levels: int, start: bytes, end: bytes) -> bytes:
    return start * levels + b"1" + end * levels


@pytest.mark.parametrize("levels", [MAX_JSON_DEPTH + 1, 400, 2_000, 30_000])
@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}"), (b"[ ", b"")], ids=["lists", "objects", "unclosed"])
async def test_deeply_nested_json_is_refused_before_it_is_parsed(levels: int, pair: tuple[bytes, bytes]) -> None:
    body = nested(min(levels, 65_000 // len(b"".join(pair))), *pair)
    async with running(create_service(routers=[free])) as client:
        for path in ("/v1/free", URL):
            for key in ({}, {"idempotency-key": "deep"}):
                response = await client.post(path, content=body, headers=JSON | key)
                assert problem(response) == (400, "blank")
                assert response.json()["detail"] == "JSON may have 100 levels"


@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")], ids=["lists", "objects"])
async def test_what_is_nested_less_deeply_is_read_and_written(pair: tuple[bytes, bytes]) -> None:
    body = nested(MAX_JSON_DEPTH, *pair)
    async with running(create_service(routers=[free])) as client:
        response = await client.post("/v1/free", content=body, headers=JSON)
    assert response.json() == json.loads(body)


async def test_the_levels_of_a_body_in_pieces_are_counted() -> None:
    async with listening(create_service(routers=[free])) as server, server.connected() as connection:
        head = b"POST /v1/free HTTP/1.1\r\nhost: service\r\ncontent-type: application/json\r\n"
        await connection.send(head + b"transfer-encoding: chunked\r\n\r\n")
        for piece in (b"[",) * 60 + (b"]",) * 60:
            await connection.send(b"1\r\n" + piece + b"\r\n")
        await connection.send(b"0\r\n\r\n")
        assert (await connection.answer()).status == 200
        await connection.send(head + b"transfer-encoding: chunked\r\n\r\n")
        for piece in (b"[",) * 150 + (b"]",) * 150:
            await connection.send(b"1\r\n" + piece + b"\r\n")
        await connection.send(b"0\r\n\r\n")
        assert (await connection.answer()).status == 400


def levels_of(document: Any) -> int:
    """The levels of arrays and objects, counted in the parsed document."""
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else None
    return 0 if inner is None else 1 + max(map(levels_of, inner), default=0)


_texts = st.text(st.sampled_from('[]{}"\\\u0122\u5b5d\u2200a\n'), max_size=8)
_documents = st.recursive(
    _texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3)
)


@given(
    inner=_documents,
    around=st.integers(MAX_JSON_DEPTH - 8, MAX_JSON_DEPTH),
    beside=_texts,
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-32-be"]),
    ascii_only=st.booleans(),
)
def test_brackets_in_strings_are_no_levels(
    inner: Any, around: int, beside: str, encoding: str, ascii_only: bool
) -> None:
    document = inner
    for _ in range(around):
        document = [beside, document, "[" * 100]
    body = json.dumps(document, ensure_ascii=ascii_only).encode(encoding)
    assert is_nested_too_deeply(body) == (levels_of(document) > MAX_JSON_DEPTH)


@pytest.mark.parametrize(
    "target",
    [
        f"{URL}?cursor=" + "a" * 30_000,
        f"{URL}?" + "&".join(f"p{number}=1" for number in range(3_500)),
        f"{URL}?" + "&".join(["a=1"] * 5_000),
        f"{URL}?" + "&".join(["limit=0"] * 3_000),
        f"{URL}?" + "&" * 30_000,
        f"{URL}?status=" + "%00" * 10_000,
        f"{URL}/" + "0" * 30_000,
        "/" + "a/" * 15_000,
    ],
    ids=["long value", "names", "one name", "refused values", "separators", "escapes", "long id", "segments"],
)
async def test_a_url_of_thirty_kilobytes_is_an_ordinary_request(target: str) -> None:
    async with listening(create_service()) as server:
        answer = await server.exchange(f"GET {target} HTTP/1.1\r\nhost: service\r\n\r\n".encode())
    assert answer.status in {200, 404, 422}
    assert len(answer.body) < 1_000
