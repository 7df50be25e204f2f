"""What a request says about itself is found again in the events that it leads to."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from {{ cookiecutter.package_name }}.bootstrap import create_service
from {{ cookiecutter.package_name }}.config import Settings
from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase
from {{ cookiecutter.package_name }}.infrastructure.database.memory_messages import MemoryMessageStore
from {{ cookiecutter.package_name }}.infrastructure.messaging.in_process import InProcessBroker

from ..conftest import running

URL = "/v1/{{ cookiecutter.__resource }}"
DRAFT = {"reference": "A-1001", "quantity": 3}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CALL = ("x-correlation-id", "call-7")


@pytest.fixture
def database() -> MemoryDatabase:
    """An empty one."""
    return MemoryDatabase()


@pytest.fixture
async def client(settings: Settings, database: MemoryDatabase) -> AsyncIterator[httpx2.AsyncClient]:
    """Sends requests to a service that publishes nothing, so that events stay in the outbox."""
    async with running(create_service(settings, database, InProcessBroker())) as started:
        yield started


async def events(database: MemoryDatabase) -> list[dict[str, Any]]:
    """What waits to be published."""
    async with MemoryMessageStore(database).take(10) as batch:
        return [json.loads(each.message.body) for each in batch.waiting]


async def test_an_event_carries_the_correlation_id_of_its_request(
    client: httpx2.AsyncClient,
    database: MemoryDatabase,
) -> None:
    created = await client.post(URL, json=DRAFT, headers=[CALL])
    confirmed = await client.post(f"{created.headers['location']}/confirm", headers={"if-match": '"1"'})
    first, *_, last = await events(database)
    assert (first["correlationid"], first["causationid"]) == ("call-7", "call-7")
    assert last["correlationid"] == last["causationid"] == confirmed.headers["x-correlation-id"] != "call-7"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], {}),
        ([("traceparent", TRACE)], {"traceparent": TRACE}),
        ([("traceparent", TRACE), ("tracestate", "a=1")], {"traceparent": TRACE, "tracestate": "a=1"}),
        (
            [("traceparent", TRACE), ("tracestate", "a=1"), ("tracestate", "b=2")],
            {"traceparent": TRACE, "tracestate": "a=1,b=2"},
        ),
        ([("tracestate", "a=1")], {}),
        ([("traceparent", TRACE), ("tracestate", "x" * 513)], {"traceparent": TRACE}),
        ([("traceparent", TRACE), ("tracestate", "a=\xe4")], {"traceparent": TRACE}),
        ([("traceparent", TRACE.replace("00-", "ff-", 1))], {}),
        ([("traceparent", "00-" + "0" * 32 + "-00f067aa0ba902b7-01")], {}),
        ([("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01")], {}),
        ([("traceparent", TRACE.upper())], {}),
        ([("traceparent", TRACE + "-" + "0" * 8000)], {}),
        ([("traceparent", "")], {}),
    ],
)
async def test_an_event_carries_the_trace_of_its_request_if_that_is_well_formed(
    client: httpx2.AsyncClient,
    database: MemoryDatabase,
    headers: list[tuple[str, str]],
    expected: dict[str, str],
) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    assert (await client.post(URL, json=DRAFT, headers=encoded)).status_code == 201
    event, *_ = await events(database)
{%- if cookiecutter.tracing != "none" %}
    # It is created in a span of its own, which is what it names: in the same trace, or in one that begins here.
    assert (event["traceparent"].split("-")[1] in TRACE) == ("traceparent" in expected)
    assert event.get("tracestate") == expected.get("tracestate")
{%- else %}
    assert {name: event[name] for name in ("traceparent", "tracestate") if name in event} == expected
{%- endif %}
