"""What one caller may send."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Scope

from chassis.caller import Caller
from chassis.http.caller import key_of
from chassis.http.rate_limits import Quota, TokenBuckets
from chassis.http.routes import READ
from chassis.http.settings import HttpSettings
from chassis.testing.http import running
from tests.sample.api import URL

from .parcels import DRAFT, create_service

Lines = Callable[[], list[dict[str, Any]]]


def quotas(mode: str) -> HttpSettings:
    """Two reads at once and one write."""
    return HttpSettings.model_validate(
        {
            "rate_limit": mode,
            "rate_limit_read_burst": 2,
            "rate_limit_reads_per_second": 1,
            "rate_limit_write_burst": 1,
            "rate_limit_writes_per_second": 1,
        }
    )


async def test_a_caller_above_its_quota_is_told_when_to_come_back() -> None:
    async with running(create_service(settings=quotas("on"))) as client:
        responses = [await client.get(URL) for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert [response.headers["ratelimit"] for response in responses[:2]] == ['"read";r=1;t=1', '"read";r=0;t=2']
    assert responses[0].headers["ratelimit-policy"] == '"read";q=2;w=2'
    assert responses[2].headers["retry-after"] == "1"
    assert responses[2].json()["type"] == "urn:problem-type:warehouse-service:rate-limit-exceeded"
    assert responses[2].json()["correlation_id"] == responses[2].headers["x-correlation-id"]


async def test_reading_uses_up_nothing_of_writing_and_probes_use_up_nothing() -> None:
    async with running(create_service(settings=quotas("on"))) as client:
        for _ in range(3):
            assert (await client.get("/health/live")).status_code == 200
            assert (await client.get("/metrics")).status_code == 200
        for _ in range(2):
            assert (await client.get(URL)).status_code == 200
        assert (await client.post(URL, json=DRAFT)).status_code == 201
        assert (await client.post(URL, json=DRAFT)).status_code == 429


async def test_first_it_only_logs_and_counts(logged: Lines) -> None:
    async with running(create_service(settings=quotas("log"))) as client:
        responses = [await client.get(URL) for _ in range(3)]
        figures = (await client.get("/metrics")).text
    assert {response.status_code for response in responses} == {200}
    assert not any("ratelimit" in response.headers for response in responses)
    assert 'http_requests_over_limit_total{action="logged",group="read"} 1.0' in figures
    (line,) = (line for line in logged() if line["event"] == "rate limit exceeded")
    assert (line["group"], line["action"]) == ("read", "logged")
    assert "127.0.0.1" not in str(line)  # addresses are personal data


async def test_it_can_be_switched_off(logged: Lines) -> None:
    async with running(create_service(settings=quotas("off"))) as client:
        assert {(await client.get(URL)).status_code for _ in range(4)} == {200}
    assert not any(line["event"] == "rate limit exceeded" for line in logged())


async def test_a_bucket_is_refilled_in_parts_of_a_second_too() -> None:
    buckets = TokenBuckets({READ: Quota(requests_per_second=20, burst=1)})
    assert (await buckets.consume(READ, "a")).allowed
    refused = await buckets.consume(READ, "a")
    assert not refused.allowed
    assert 0 < refused.retry_after_seconds <= 0.05
    async with asyncio.timeout(5):
        while not (await buckets.consume(READ, "a")).allowed:  # noqa: ASYNC110 - only time refills it
            await asyncio.sleep(0.01)


async def test_callers_do_not_share_a_bucket_and_only_the_latest_are_remembered() -> None:
    buckets = TokenBuckets({READ: Quota(requests_per_second=1, burst=1)}, max_callers=2)
    assert [(await buckets.consume(READ, caller)).allowed for caller in "aab"] == [True, False, True]
    await buckets.consume(READ, "c")
    assert (await buckets.consume(READ, "a")).allowed


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_addresses_of_one_network_are_one_caller(address: str, caller: str) -> None:
    scope: Scope = {"caller": Caller(address=address)}
    assert key_of(scope) == caller


def test_a_request_without_an_address_has_a_caller_too() -> None:
    assert key_of({"caller": Caller()}) == "unknown"


def test_a_caller_that_authenticated_is_the_same_one_everywhere() -> None:
    scopes: list[Scope] = [{"caller": Caller("user-1", address=address)} for address in ("192.0.2.7", "192.0.2.8")]
    assert {key_of(scope) for scope in scopes} == {"subject user-1"}


async def test_the_document_has_the_refusal_where_the_quota_is_enforced() -> None:
    async with running(create_service()) as client:
        assert "429" not in (await client.get("/openapi.json")).text
    async with running(create_service(settings=quotas("on"))) as client:
        document = (await client.get("/openapi.json")).json()
    missing = {
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if ("429" in operation["responses"]) is ("operations" in operation["tags"])
    }
    assert missing == set()
