"""A service that accepts the tokens of an issuer."""

from collections.abc import AsyncIterator

import httpx2
import pytest_asyncio

from chassis.auth.jwt import AuthSettings
from chassis.http.application import Service
from chassis.http.lifecycle import Lifecycle
from chassis.testing.http import running, serving

from .issuers import AUDIENCE, EC_KEY, ISSUER, RSA_KEY, SHORT_RSA_KEY, Provider, create_service, jwk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[Provider]:
    """The issuer, which answers on a port."""
    provider = Provider(jwk(RSA_KEY, "rsa"), jwk(EC_KEY, "ec"), jwk(SHORT_RSA_KEY, "short"))
    async with serving(Service(provider.app, Lifecycle())) as client:
        provider.url = str(client.base_url).rstrip("/")
        yield provider


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(provider: Provider) -> AsyncIterator[httpx2.AsyncClient]:
    """Sends requests to the started service."""
    settings = AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url=f"{provider.url}/keys")
    async with running(create_service(settings)) as started:
        yield started
