"""Tokens that must not be accepted, whatever they claim."""

import json
from collections.abc import Callable
from time import thread_time, time
from typing import Any

import httpx2
import jwt
import pytest

from chassis.auth.jwt.tokens import MAX_CHARACTERS

from .issuers import (
    AUDIENCE,
    EC_KEY,
    ISSUER,
    OTHER_RSA_KEY,
    PUBLIC_PEM,
    READ,
    RSA_KEY,
    SHORT_RSA_KEY,
    Provider,
    claims,
    jwk,
    raw,
    signed,
    token,
)

# One service for all.
pytestmark = pytest.mark.asyncio(loop_scope="module")
HEADER = {"alg": "RS256", "kid": "rsa"}


def unsigned(algorithm: str) -> Callable[[], str]:
    """A token without a signature."""
    return lambda: raw({"alg": algorithm, "kid": "rsa"}, claims())


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    return json.loads("[" * depth + "]" * depth)


def swapped() -> str:
    """The signature of one token with the claims of another."""
    header, _, signature = token().split(".")
    return ".".join([header, token(sub="admin").split(".")[1], signature])


def hmac_with_public_key() -> str:
    """PyJWT refuses to sign like this, so it is done by hand."""
    from hashlib import sha256
    from hmac import digest

    unsigned = raw({"alg": "HS256", "kid": "rsa"}, claims()).rpartition(".")[0]
    return raw({"alg": "HS256", "kid": "rsa"}, claims(), digest(PUBLIC_PEM, unsigned.encode(), sha256))


UNSIGNED: dict[str, Callable[[], str]] = {
    f"alg {name}": unsigned(name) for name in ("none", "None", "NONE", "nOnE", "")
}
ATTACKS: dict[str, Callable[[], str]] = {
    **UNSIGNED,
    "no alg": lambda: raw({"kid": "rsa"}, claims()),
    "alg is a list": lambda: raw({"alg": ["RS256"], "kid": "rsa"}, claims()),
    "HS256 with the public key": hmac_with_public_key,
    "an algorithm that is not accepted": lambda: token(algorithm="RS512"),
    "another audience": lambda: token(aud="billing"),
    "no audience": lambda: token(aud=None),
    "an audience that begins alike": lambda: token(aud=AUDIENCE + "-admin"),
    "no issuer": lambda: token(iss=None),
    "an issuer with a slash more": lambda: token(iss=ISSUER + "/"),
    "an issuer in upper case": lambda: token(iss=ISSUER.upper()),
    "expired": lambda: token(exp=int(time()) - 60),
    "no expiry": lambda: token(exp=None),
    "expiry as text": lambda: signed(HEADER, claims(exp=str(int(time()) + 60))),
    "expiry beyond numbers": lambda: signed(HEADER, json.dumps(claims()).replace('"exp": ', '"exp": 1e999, "x": ')),
    "expiry is NaN": lambda: signed(HEADER, json.dumps(claims()).replace('"exp": ', '"exp": NaN, "x": ')),
    "expiry is true": lambda: signed(HEADER, claims(exp=True)),
    "expiry is a huge number": lambda: signed(HEADER, claims(exp=10**400)),
    "not yet valid": lambda: token(nbf=int(time()) + 60),
    "no subject": lambda: token(sub=None),
    "an empty subject": lambda: token(sub=""),
    "a subject with a line break": lambda: token(sub="user\nadmin"),
    "a subject that is a number": lambda: signed(HEADER, claims(sub=1)),
    "a scope that is a list": lambda: token(scope=["parcels:read"]),
    "an unknown kid": lambda: token(header={"kid": "unknown"}),
    "a path as kid": lambda: token(header={"kid": "../../etc/passwd"}),
    "SQL as kid": lambda: token(header={"kid": "' OR 1=1 --"}),
    "a URL as kid": lambda: token(header={"kid": "https://evil.example.com/keys"}),
    "a kid of 5,000 characters": lambda: token(header={"kid": "k" * 5_000}),
    "a kid that is a number": lambda: signed({"alg": "RS256", "kid": 1}, claims()),
    "no kid, with another key": lambda: signed({"alg": "RS256"}, claims(), OTHER_RSA_KEY),
    "another key under a known kid": lambda: token(OTHER_RSA_KEY),
    "another type of key under a known kid": lambda: token(EC_KEY, "ES256"),
    "a known kid of another type of key": lambda: token(header={"kid": "ec"}),
    "a key that is too short": lambda: signed({"alg": "RS256", "kid": "short"}, claims(), SHORT_RSA_KEY),
    "an embedded jwk": lambda: token(OTHER_RSA_KEY, header={"jwk": jwk(OTHER_RSA_KEY, "rsa")}),
    "jku": lambda: token(OTHER_RSA_KEY, header={"jku": "https://evil.example.com/keys"}),
    "x5u": lambda: token(OTHER_RSA_KEY, header={"x5u": "https://evil.example.com/keys"}),
    "crit": lambda: token(header={"crit": ["exp"]}),
    "unencoded payload": lambda: token(header={"b64": False, "crit": ["b64"]}),
    "truncated": lambda: token()[:-10],
    "no signature": lambda: token().rpartition(".")[0] + ".",
    "two parts": lambda: token().rpartition(".")[0],
    "five parts": lambda: token() + ".AAAA.AAAA",
    "empty": lambda: "",
    "not base64": lambda: "*.*.*",
    "not JSON": lambda: raw("{", "{"),
    "not an object": lambda: signed([], claims()),
    "claims that are not an object": lambda: signed(HEADER, [claims()]),
    "oversized": lambda: token(note="x" * MAX_CHARACTERS),
    "nested 400 deep": lambda: signed(HEADER, claims(note=nested(400))),
    "duplicate claims": lambda: signed(HEADER, json.dumps(claims())[:-1] + ', "sub": "admin"}'),
    "duplicate names in the header": lambda: signed('{"alg": "none", "alg": "RS256", "kid": "rsa"}', claims()),
    "claims of another token": swapped,
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_token_that_is_wrong_is_refused_at_once(client: httpx2.AsyncClient, attack: str) -> None:
    authorization = f"Bearer {ATTACKS[attack]()}"
    started = thread_time()  # not the clock's: other processes may keep this one waiting
    response = await client.get(READ, headers={"authorization": authorization})
    assert thread_time() - started < 0.1
    assert (response.status_code, response.headers["content-type"]) == (401, "application/problem+json")
    assert response.headers["www-authenticate"].startswith('Bearer error="invalid_token", error_description="')
    assert response.json()["detail"] in response.headers["www-authenticate"]


async def test_the_key_without_a_name_is_accepted_if_it_is_the_only_one(client: httpx2.AsyncClient) -> None:
    unnamed = jwt.encode(claims(), EC_KEY, "ES256")
    response = await client.get(READ, headers={"authorization": f"Bearer {unnamed}"})
    assert response.status_code == 200


@pytest.mark.parametrize("authorization", ["Basic dXNlcjpwYXNz", "Bearer", "Token abc", "bearerabc", "Bearer a b"])
async def test_other_credentials_are_refused(client: httpx2.AsyncClient, authorization: str) -> None:
    assert (await client.get(READ, headers={"authorization": authorization})).status_code == 401


async def test_two_tokens_are_refused_even_if_both_are_right(client: httpx2.AsyncClient) -> None:
    headers = [("authorization", f"Bearer {token()}"), ("authorization", f"Bearer {token(sub='user-2')}")]
    assert (await client.get(READ, headers=headers)).status_code == 401


async def test_200_invented_keys_cause_a_handful_of_fetches(client: httpx2.AsyncClient, provider: Provider) -> None:
    before = provider.fetches
    for number in range(200):
        forged = token(header={"kid": f"invented-{number}"})
        assert (await client.get(READ, headers={"authorization": f"Bearer {forged}"})).status_code == 401
    assert provider.fetches - before <= 5


async def test_the_key_that_attacks_use_is_the_right_one() -> None:
    """An attack that fails for another reason than its own proves nothing."""
    assert jwt.decode(signed(HEADER, claims()), RSA_KEY.public_key(), ["RS256"], audience=AUDIENCE, issuer=ISSUER)
