"""The issuer's keys: rotated, unreachable, malformed."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from chassis.auth.jwt import AuthSettings
from chassis.auth.jwt.issuer import MAX_BYTES, Issuer
from chassis.auth.jwt.keys import UNKNOWN_AT_ONCE, UNKNOWN_SECONDS, FetchedKeys, KeyMetrics
from chassis.errors import Unavailable
from chassis.http.application import Service
from chassis.http.lifecycle import Lifecycle
from chassis.lifespan import opened
from chassis.testing.http import running, serving

from .issuers import AUDIENCE, EC_KEY, ISSUER, OTHER_RSA_KEY, READ, RSA_KEY, Provider, create_service, jwk, token

AWAY = Unavailable("issuer", "does not answer")


class Source:
    """Publishes keys; answers when it is told to."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys: Sequence[dict[str, Any]] = keys
        self.error: Exception | None = None
        self.fetches = 0
        self.answering = asyncio.Event()
        self.answering.set()

    async def fetch_keys(self) -> Sequence[dict[str, Any]]:
        """The keys, or the error."""
        self.fetches += 1
        await self.answering.wait()
        if self.error is not None:
            raise self.error
        return self.keys


def keys_from(source: Source, clock: Iterator[float] | None = None, refresh_seconds: float = 300) -> FetchedKeys:
    """Keys, none of which is known yet."""
    options = {} if clock is None else {"now": lambda: next(clock)}
    return FetchedKeys(
        source,
        frozenset({"RS256", "PS256", "ES256"}),
        metrics=KeyMetrics(CollectorRegistry()),
        refresh_seconds=refresh_seconds,
        **options,
    )


async def test_a_new_key_is_found_when_a_token_first_names_it() -> None:
    source = Source(jwk(RSA_KEY, "old"))
    keys = keys_from(source)
    async with keys.refreshing():
        source.keys = [jwk(RSA_KEY, "old"), jwk(OTHER_RSA_KEY, "new")]
        assert await keys.find("new", "RS256") is not None
        assert await keys.find("old", "RS256") is not None


async def test_requests_that_wait_for_a_key_share_one_fetch() -> None:
    source = Source(jwk(RSA_KEY, "old"))
    keys = keys_from(source)
    async with keys.refreshing():
        source.keys = [jwk(OTHER_RSA_KEY, "new")]
        source.answering.clear()
        waiting = [asyncio.create_task(keys.find("new", "RS256")) for _ in range(50)]
        await asyncio.sleep(0)
        source.answering.set()
        assert all(await asyncio.gather(*waiting))
    assert source.fetches == 2


async def test_unknown_names_cause_few_fetches_and_more_of_them_later() -> None:
    time = [0.0]
    source = Source(jwk(RSA_KEY, "known"))
    keys = keys_from(source, clock=iter(lambda: time[0], None))
    async with keys.refreshing():
        for number in range(200):
            assert await keys.find(f"invented-{number}", "RS256") is None
        assert source.fetches == 1 + UNKNOWN_AT_ONCE
        time[0] += UNKNOWN_SECONDS
        source.keys = [jwk(RSA_KEY, "known"), jwk(EC_KEY, "new")]
        assert await keys.find("new", "ES256") is not None


async def test_known_keys_outlive_the_issuer() -> None:
    source = Source(jwk(RSA_KEY, "known"))
    keys = keys_from(source, refresh_seconds=0.001)
    async with keys.refreshing():
        source.error = AWAY
        async with asyncio.timeout(5):
            while not await _is_away(keys):  # noqa: ASYNC110 - the next refresh
                await asyncio.sleep(0.001)
        assert await keys.find("known", "RS256") is not None
        source.error = None
        async with asyncio.timeout(5):  # by itself
            while await _is_away(keys):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)


async def _is_away(keys: FetchedKeys) -> bool:
    try:
        await keys.check()
    except Unavailable:
        return True
    return False


async def test_without_any_key_nothing_can_be_said_about_a_token() -> None:
    source = Source()
    source.error = AWAY
    keys = keys_from(source)
    async with keys.refreshing():
        with pytest.raises(Unavailable, match="does not answer"):
            await keys.find("known", "RS256")


async def test_a_bug_leaves_known_keys_alone() -> None:
    source = Source(jwk(RSA_KEY, "known"))
    keys = keys_from(source)
    async with keys.refreshing():
        source.error = ZeroDivisionError()
        assert await keys.find("unknown", "RS256") is None
        assert await keys.find("known", "RS256") is not None


@pytest.mark.parametrize(
    "published",
    [
        {**jwk(RSA_KEY, "a"), "use": "enc"},
        {**jwk(RSA_KEY, "a"), "alg": "RS512"},
        {**jwk(RSA_KEY, "a"), "n": "AQAB", "e": "!"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "a"},
        {"kty": "RSA", "kid": "a"},
        {"kid": "a"},
        {**jwk(EC_KEY, "a"), "crv": "secp256k1"},
        {**jwk(EC_KEY, "a"), "x": "AAAA"},
    ],
)
async def test_a_key_that_is_of_no_use_is_left_out(published: dict[str, Any]) -> None:
    keys = keys_from(Source(published, jwk(OTHER_RSA_KEY, "b")))
    async with keys.refreshing():
        assert [await keys.find("a", algorithm) for algorithm in ("RS256", "ES256")] == [None, None]
        assert await keys.find("b", "RS256") is not None
        await keys.check()


async def test_two_types_of_key_may_share_a_name() -> None:
    keys = keys_from(Source(jwk(RSA_KEY, "a"), jwk(EC_KEY, "a")))
    async with keys.refreshing():
        rsa, ec = await keys.find("a", "RS256"), await keys.find("a", "ES256")
        assert rsa is not None
        assert ec is not None
        assert (rsa.key_type, ec.key_type) == ("RSA", "EC")


async def test_a_token_of_a_key_that_was_withdrawn_is_refused_although_it_was_verified_before() -> None:
    provider = Provider(jwk(RSA_KEY, "rsa"))
    async with answering(provider) as settings, running(create_service(settings)) as client:
        headers = {"authorization": f"Bearer {token(iss=settings.issuer)}"}
        assert (await client.get(READ, headers=headers)).status_code == 200
        provider.keys = [jwk(OTHER_RSA_KEY, "new")]
        renewed = token(OTHER_RSA_KEY, header={"kid": "new"}, iss=settings.issuer)
        assert (await client.get(READ, headers={"authorization": f"Bearer {renewed}"})).status_code == 200
        assert (await client.get(READ, headers=headers)).status_code == 401


async def test_a_service_without_keys_serves_503_and_stays_ready() -> None:
    settings = AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url="http://127.0.0.1:9/keys")
    async with running(create_service(settings)) as client:
        response = await client.get(READ, headers={"authorization": f"Bearer {token()}"})
        assert response.status_code == 503
        assert response.json()["detail"] == "issuer does not answer"
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert (await client.get(READ)).status_code == 401


@asynccontextmanager
async def answering(provider: Provider) -> AsyncIterator[AuthSettings]:
    """The issuer as a server; yields the settings that name it."""
    async with serving(Service(provider.app, Lifecycle())) as client:
        yield AuthSettings(issuer=str(client.base_url).rstrip("/"), audience=AUDIENCE)


@pytest.mark.parametrize(
    ("document", "body", "reason"),
    [
        ({"issuer": "https://other.example.com"}, None, "names another issuer"),
        ({"jwks_uri": None}, None, "names no `jwks_uri`"),
        ({"jwks_uri": "file:///etc/passwd"}, None, "names no `jwks_uri`"),
        ({}, b"<html>", "does not answer with JSON"),
        ({}, b"[]", "does not answer with a JSON object"),
        ({}, b"{}", "its key set is malformed"),
        ({}, b" " * (MAX_BYTES + 1), "sends more than"),
    ],
)
async def test_an_issuer_that_answers_nonsense_is_named(
    document: dict[str, Any], body: bytes | None, reason: str
) -> None:
    provider = Provider(jwk(RSA_KEY, "rsa"))
    provider.document, provider.body = document, body
    async with answering(provider) as settings:
        issuer = Issuer(settings)
        async with opened(issuer):
            with pytest.raises(Unavailable, match=reason):
                await issuer.fetch_keys()


async def test_redirects_are_not_followed() -> None:
    provider = Provider(jwk(RSA_KEY, "rsa"))
    async with answering(provider) as settings:
        issuer = Issuer(settings.model_copy(update={"jwks_url": f"{settings.issuer}/moved"}))
        async with opened(issuer):
            with pytest.raises(Unavailable, match="answers 307"):
                await issuer.fetch_keys()
    assert provider.fetches == 0


async def test_an_issuer_that_hangs_costs_its_time_limit() -> None:
    ended = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    issuer = Issuer(AuthSettings(issuer=f"http://127.0.0.1:{port}", audience=AUDIENCE, keys_timeout_seconds=0.1))
    async with server:
        async with opened(issuer):
            with pytest.raises(Unavailable, match="does not answer"):
                await issuer.fetch_keys()
        ended.set()
