"""Headers for browsers, CORS, and trusted proxies."""

import httpx2
import pytest
from pydantic import ValidationError

from chassis.http.settings import HttpSettings
from chassis.testing.http import running, serving
from tests.sample.api import URL

from .parcels import DRAFT, create_service

SHOP = "https://shop.example.com"
FORWARDED = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}


@pytest.mark.parametrize("path", [URL, "/v1/unknown", "/health/live"])
async def test_every_response_tells_browsers_to_do_nothing_with_it(path: str) -> None:
    async with running(create_service()) as client:
        headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "strict-transport-security" not in headers
    assert "server" not in headers


async def test_a_trusted_proxy_is_believed_and_nobody_else() -> None:
    limits = {"rate_limit": "on", "rate_limit_reads_per_second": 1, "rate_limit_read_burst": 1, "port": 0}

    async def second_caller(trusted: str) -> httpx2.Response:
        settings = HttpSettings.model_validate({**limits, "trusted_proxies": trusted})
        async with serving(create_service(settings=settings), settings) as client:
            await client.get(URL)
            return await client.get(URL, headers=FORWARDED)

    believed, doubted = await second_caller("127.0.0.0/8, ::1"), await second_caller("192.0.2.1")
    assert believed.status_code == 200
    assert believed.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert doubted.status_code == 429
    assert "strict-transport-security" not in doubted.headers


async def test_pages_of_other_origins_may_call_only_where_a_setting_names_them() -> None:
    preflight = {"origin": SHOP, "access-control-request-method": "POST", "access-control-request-headers": "if-match"}
    async with running(create_service()) as client:
        closed = await client.get(URL, headers={"origin": SHOP})
    assert "access-control-allow-origin" not in closed.headers
    async with running(create_service(settings=HttpSettings(cors_origins=f" {SHOP}, http://localhost:3000"))) as client:
        asked = await client.options(URL, headers=preflight)
        created = await client.post(URL, json=DRAFT, headers={"origin": SHOP})
        foreign = await client.get(URL, headers={"origin": "https://elsewhere.example.com"})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == created.headers["access-control-allow-origin"] == SHOP
    assert "etag" in created.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in created.headers
    assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("cors_origins", "shop.example.com"),
        ("cors_origins", "https://shop.example.com/"),
        ("trusted_proxies", "ingress"),
        ("trusted_proxies", "10.0.0.1/8"),
    ],
)
def test_what_would_match_nothing_is_refused(variable: str, value: str) -> None:
    with pytest.raises(ValidationError, match=r"is no origin|is neither an address"):
        HttpSettings.model_validate({variable: value})
