"""Issuers of tokens, and a service that accepts those of one of them."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import APIRouter, FastAPI, Request, Response
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from chassis.auth import PermittedRouter, caller_of, public, requires
from chassis.auth.jwt import AuthSettings, use_access_tokens
from chassis.caller import current_caller
from chassis.database.memory import MemoryDatabase
from chassis.http.application import Service
from chassis.http.settings import HttpSettings, IdempotencySettings, ReadinessSettings, ShutdownSettings
from chassis.process import Process
from chassis.settings import ServiceSettings
from tests.http.parcels import IDENTITY

ISSUER = "https://login.example.com/shop"
AUDIENCE = "parcels"
ROLES = {"clerk": frozenset({"parcels:read", "parcels:write"})}
# Made once: a key takes a tenth of a second.
RSA_KEY = rsa.generate_private_key(65537, 2048)
OTHER_RSA_KEY = rsa.generate_private_key(65537, 2048)
SHORT_RSA_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused
EC_KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_PEM = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
READ, WRITE = "/v1/parcels", "/v1/parcels/confirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The sections that a process uses."""

    service: ServiceSettings = field(default_factory=ServiceSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    readiness: ReadinessSettings = field(default_factory=ReadinessSettings)
    idempotency: IdempotencySettings = field(default_factory=IdempotencySettings)
    shutdown: ShutdownSettings = field(default_factory=ShutdownSettings)


def jwk(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str | None, **members: str) -> dict[str, Any]:
    """The public part of a key as it is published."""
    if isinstance(key, rsa.RSAPrivateKey):
        data = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        data = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**data, **({} if kid is None else {"kid": kid}), **members}


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a token that is accepted, with changes; None leaves one out."""
    now = int(time())
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "iat": now, "exp": now + 60, "scope": "parcels:read"}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def token(key: Any = RSA_KEY, algorithm: str = "RS256", header: Mapping[str, Any] | None = None, **changes: Any) -> str:
    """A token signed with a key; by default one that is accepted."""
    return jwt.encode(claims(**changes), key, algorithm, {"kid": "rsa", **(header or {})})


def raw(header: object, payload: object, signature: bytes = b"") -> str:
    """Three parts as they are given; texts are not encoded again."""
    parts = (each if isinstance(each, str) else json.dumps(each) for each in (header, payload))
    return ".".join([*(_encoded(part.encode()) for part in parts), _encoded(signature)])


def signed(header: object, payload: object, key: rsa.RSAPrivateKey = RSA_KEY) -> str:
    """The same with a signature that is right."""
    unsigned = raw(header, payload).rpartition(".")[0]
    algorithm = RSAAlgorithm(RSAAlgorithm.SHA256)
    return f"{unsigned}.{_encoded(algorithm.sign(unsigned.encode(), key))}"


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Provider:
    """The issuer as a web service.

    Attributes:
        keys: that it publishes.
        url: where it answers.
        fetches: of its keys so far.
        body: sent instead of the keys.
        document: its configuration, besides where its keys are.
    """

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.url = ""
        self.fetches = 0
        self.body: bytes | None = None
        self.document: dict[str, Any] = {}
        self.app = FastAPI(openapi_url=None)

        @self.app.get("/.well-known/openid-configuration")
        async def configure(request: Request) -> dict[str, Any]:
            base = str(request.base_url).rstrip("/")
            return {"issuer": base, "jwks_uri": f"{base}/keys", **self.document}

        @self.app.get("/keys")
        async def publish() -> Response:
            self.fetches += 1
            body = json.dumps({"keys": self.keys}).encode() if self.body is None else self.body
            return Response(body, media_type="application/json")

        @self.app.get("/moved")
        async def move() -> Response:
            return Response(status_code=307, headers={"location": "/keys"})


def create_service(
    settings: AuthSettings, routers: Iterable[APIRouter] = (), database: MemoryDatabase | None = None
) -> Service:
    """A service whose callers need access tokens."""
    process = Process(IDENTITY, Settings())
    process.use_database(database or MemoryDatabase(), events=[], decisions=[])
    use_access_tokens(process, settings, ROLES)
    return process.create_api([create_router(), *routers])


def create_router() -> APIRouter:
    """Routes that say who calls."""
    router = PermittedRouter()

    @router.get(READ, openapi_extra=requires("parcels:read"))
    async def read(request: Request) -> dict[str, Any]:
        caller = caller_of(request)
        assert caller is current_caller()
        return {"subject": caller.subject, "client": caller.client_id, "permissions": sorted(caller.permissions)}

    @router.post(WRITE, openapi_extra=requires("parcels:write"))
    async def write(body: dict[str, int]) -> dict[str, int]:
        return body

    @router.get("/v1/opening-hours", openapi_extra=public())
    async def opening_hours() -> str:
        return "always"

    return router
