"""Who calls, and what a caller may do."""

from typing import Any

import httpx2
import pytest

from chassis.audit.port import AuditQuery
from chassis.auth.jwt import AuthSettings
from chassis.auth.jwt.local_issuer import LocalIssuer
from chassis.database.memory import MemoryDatabase
from chassis.identity import utc_now
from chassis.testing.http import running
from tests.http.parcels import IDENTITY

from .issuers import AUDIENCE, EC_KEY, ISSUER, READ, WRITE, Provider, create_service, token

# One service for all.
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def get(client: httpx2.AsyncClient, **claims: Any) -> httpx2.Response:
    """Read with a token that has these claims."""
    return await client.get(READ, headers={"authorization": f"Bearer {token(**claims)}"})


async def test_the_caller_is_who_the_token_says(client: httpx2.AsyncClient) -> None:
    response = await get(client, client_id="shop", scope="parcels:read openid")
    assert response.json() == {"subject": "user-1", "client": "shop", "permissions": ["openid", "parcels:read"]}


async def test_a_service_that_calls_on_its_own_is_treated_alike(client: httpx2.AsyncClient) -> None:
    response = await get(client, sub="billing-service", azp="billing-service")
    assert (response.json()["subject"], response.json()["client"]) == ("billing-service", "billing-service")


@pytest.mark.parametrize("roles", [["clerk"], ["clerk", 7, "unknown"], "clerk other"])
async def test_roles_give_the_permissions_of_the_table(client: httpx2.AsyncClient, roles: object) -> None:
    response = await get(client, scope=None, roles=roles)
    assert response.json()["permissions"] == ["parcels:read", "parcels:write"]


async def test_roles_may_be_within_another_claim(provider: Provider) -> None:
    settings = AuthSettings(
        issuer=ISSUER, audience=AUDIENCE, jwks_url=f"{provider.url}/keys", roles_claim="realm_access.roles"
    )
    async with running(create_service(settings)) as client:
        assert (await get(client, scope=None, realm_access={"roles": ["clerk"]})).status_code == 200
        assert (await get(client, scope=None, realm_access=["clerk"])).status_code == 403


async def test_several_audiences_and_another_signature_are_fine(client: httpx2.AsyncClient) -> None:
    assert (await get(client, aud=["billing", AUDIENCE])).status_code == 200
    signed = token(EC_KEY, "ES256", {"kid": "ec"})
    assert (await client.get(READ, headers={"authorization": f"bearer {signed}"})).status_code == 200


async def test_without_a_token_the_answer_asks_for_one(client: httpx2.AsyncClient) -> None:
    response = await client.get(READ)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"  # without an error: RFC 6750, section 3.1


@pytest.mark.parametrize(
    "scope", [None, "", "parcels", "parcels:readwrite", "parcels:read2", "xparcels:read", "PARCELS:READ"]
)
async def test_a_scope_that_only_looks_alike_is_refused(client: httpx2.AsyncClient, scope: str | None) -> None:
    response = await get(client, scope=scope)
    assert response.status_code == 403
    assert response.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="parcels:read"'


async def test_a_request_is_refused_before_its_body_is_read(client: httpx2.AsyncClient) -> None:
    async with client.stream(
        "POST", WRITE, content=b"{not json", headers={"content-type": "application/json"}
    ) as response:
        assert response.status_code == 401


async def test_public_routes_and_probes_ask_for_nothing(client: httpx2.AsyncClient) -> None:
    for url in ("/v1/opening-hours", "/health/live", "/health/ready", "/metrics", "/openapi.json"):
        for headers in ({}, {"authorization": "Bearer wrong"}):
            assert (await client.get(url, headers=headers)).status_code == 200, url


async def test_the_document_says_what_each_operation_needs(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["paths"][READ]["get"]["security"] == [{"bearer": ["parcels:read"]}]
    assert {"401", "403"} <= document["paths"][READ]["get"]["responses"].keys()
    assert document["paths"]["/v1/opening-hours"]["get"]["security"] == []
    assert "401" not in document["paths"]["/v1/opening-hours"]["get"]["responses"]


async def test_a_caller_that_lacks_a_permission_is_in_the_audit_log_and_a_stranger_is_not() -> None:
    database = MemoryDatabase()
    service = create_service(AuthSettings(), database=database)
    issuer = LocalIssuer(IDENTITY.name)
    headers = {"authorization": f"Bearer {issuer.create_token(subject='user-1', scope='', now=utc_now())}"}
    async with running(service) as client:
        assert (await client.post(WRITE, headers=headers)).status_code == 403
        assert (await client.post(WRITE)).status_code == 401
    (entry,) = await database.find_audit_entries(AuditQuery(limit=10))
    assert (entry.actor, entry.outcome, entry.reason) == ("user-1", "refused", "insufficient-permission")
    assert (entry.action, entry.address) == ("write", "127.0.0.1")
