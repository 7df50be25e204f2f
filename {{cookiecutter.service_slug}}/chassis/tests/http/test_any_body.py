"""No body makes a command fail: whatever a client sends is accepted or refused, never a 5xx."""

import asyncio
import json

import hypothesis.strategies as st
from hypothesis import example, given, settings

from chassis.testing.http import running
from tests.sample.api import URL
from tests.support.bodies import send_hostile_bodies

from .parcels import DRAFT, create, create_service

# Text of JSON may hold halves of surrogate pairs, numbers may have any size, and arrays any depth.
_texts = st.text(st.characters(codec=None), max_size=5)
_keys = _texts | st.sampled_from([*DRAFT])
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | _texts
_json = st.recursive(_scalars, lambda inner: st.lists(inner) | st.dictionaries(_keys, inner))
_deep = st.integers(200, 1100).map(lambda depth: b"[" * depth + b"]" * depth)
BODIES = st.binary(max_size=200) | _json.map(json.dumps).map(str.encode) | _deep
SERVICE = create_service()


async def statuses(body: bytes, headers: dict[str, str], attempts: int) -> set[int]:
    """The answers of each command to a body; with several attempts, under an idempotency key."""
    async with running(SERVICE) as client:
        url = await create(client)
        seen = set()
        for method, path in (("POST", URL), ("PATCH", url), ("POST", f"{url}/confirm")) * attempts:
            key = {"idempotency-key": f"{url}{path}"} if attempts > 1 else {}
            response = await client.request(method, path, content=body, headers=headers | key)
            seen.add(response.status_code)
        return seen


@given(body=BODIES, attempts=st.integers(1, 2), as_json=st.booleans())
@example(body=b"[" * 600 + b"]" * 600, attempts=2, as_json=True)
@example(body=b'{"\\ud800": 1}', attempts=2, as_json=True)
@example(body=b'{"reference": "\\ud800", "quantity": 1}', attempts=2, as_json=True)
@example(body=b'{"reference": "A", "quantity": NaN}', attempts=1, as_json=True)
@settings(max_examples=100, deadline=None)
def test_no_body_is_a_server_error(body: bytes, attempts: int, as_json: bool) -> None:
    headers = {"if-match": "*"} | ({"content-type": "application/json"} if as_json else {})
    assert max(asyncio.run(statuses(body, headers, attempts))) < 500


async def test_no_bytes_on_any_route_are_a_server_error() -> None:
    await send_hostile_bodies(create_service(), 20)
