"""Learns from a request's access token who sends it (RFC 6750)."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from time import time
from typing import Any

import structlog
from starlette.routing import BaseRoute
from starlette.types import Scope

from ...caller import Caller
from ...errors import Unavailable
from ...lifespan import opened
from ...process import Process
from .. import permissions
from ..roles import Roles, permissions_of
from .issuer import DEPENDENCY, Issuer
from .keys import FetchedKeys, KeyMetrics
from .local_issuer import ALGORITHM, LocalIssuer
from .settings import AuthSettings
from .tokens import Claims, InvalidToken, TokenVerifier

# Verified tokens that are remembered: a signature costs more than the rest of a small request.
MAX_REMEMBERED = 10_000
_NOBODY = Caller()
_log = structlog.stdlib.get_logger("auth")


@dataclass(frozen=True, slots=True)
class _Verified:
    caller: Caller
    until: float


class AccessTokens:
    """Callers prove who they are by an access token. A verified one is remembered until it expires."""

    def __init__(
        self, verifier: TokenVerifier, roles: Roles, roles_claim: str, max_remembered: int = MAX_REMEMBERED
    ) -> None:
        """Remember nothing yet.

        Args:
            verifier: of tokens.
            roles: what each role may do.
            roles_claim: path of the claim with the caller's roles.
            max_remembered: how many verified tokens are remembered.

        Attributes:
            record_refusal: records what a caller was refused for lack of a permission.
        """
        self._verifier = verifier
        self._roles = roles
        self._roles_claim = roles_claim
        self.record_refusal: permissions.RecordRefusal | None = None
        self._remembered: OrderedDict[bytes, _Verified] = OrderedDict()
        self._max_remembered = max_remembered

    async def identify(self, scope: Scope) -> Caller:
        """The caller, without its address. What went wrong is raised by the route, if it asks who sends the request."""
        scope[permissions.RECORD] = self.record_refusal
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if not given:
            return _NOBODY
        scheme, _, token = given[0].decode("latin-1").partition(" ")
        try:
            if len(given) > 1:
                raise InvalidToken("the request has several Authorization headers")
            if scheme.lower() != "bearer":
                raise InvalidToken("the scheme must be Bearer")
            return await self._caller(token.strip())
        except InvalidToken as error:
            _log.info("access token refused", reason=str(error))
            scope[permissions.REFUSAL] = str(error)
        except Unavailable as error:
            scope[permissions.FAILURE] = error
        return _NOBODY

    def verify(self, routes: Iterable[BaseRoute]) -> None:
        """Raise UndeclaredPermission unless every route says who may use it."""
        permissions.verify(routes)

    def document(self, openapi: dict[str, Any]) -> None:
        """Add the security scheme, and the refusals of every operation that needs a permission."""
        permissions.document(openapi)

    def forget(self) -> None:
        """Verify every token again: keys have changed."""
        self._remembered.clear()

    async def _caller(self, token: str) -> Caller:
        digest = sha256(token.encode()).digest()
        known = self._remembered.get(digest)
        if known is not None and time() < known.until:
            self._remembered.move_to_end(digest)
            return known.caller
        claims = await self._verifier.verify(token)
        caller = self._caller_with(claims)
        self._remembered[digest] = _Verified(caller, claims.exp + self._verifier.leeway_seconds)
        if len(self._remembered) > self._max_remembered:
            self._remembered.popitem(last=False)
        return caller

    def _caller_with(self, claims: Claims) -> Caller:
        granted = permissions_of(claims.texts(self._roles_claim), self._roles)
        return Caller(claims.sub, claims.client, None, granted.union(claims.scope.split()))


def use_access_tokens(process: Process, settings: AuthSettings, roles: Roles) -> None:
    """Require access tokens of a process' callers; each route declares the permission that it needs.

    Args:
        process: whose application will check them; it has its database already.
        settings: name the issuer; without one, tokens of the local issuer are accepted.
        roles: what each role may do.
    """
    if settings.issuer is None or settings.audience is None:
        _use_local_issuer(process, settings, roles)
        return
    issuer = Issuer(settings)
    keys = FetchedKeys(
        issuer,
        settings.accepted_algorithms,
        metrics=KeyMetrics(process.registry),
        refresh_seconds=settings.keys_refresh_seconds,
    )
    verifier = TokenVerifier(
        issuer=settings.issuer,
        audience=settings.audience,
        algorithms=settings.accepted_algorithms,
        keys=keys,
        leeway_seconds=settings.leeway_seconds,
    )
    access = AccessTokens(verifier, roles, settings.roles_claim)
    keys.on_change = access.forget
    _use(process, access)
    process.open(lambda: opened(issuer))
    process.open(keys.refreshing)
    # Known keys outlive the issuer, so requests do not need it while they are known.
    process.checks[DEPENDENCY] = keys.check
    process.optional.add(DEPENDENCY)


def _use_local_issuer(process: Process, settings: AuthSettings, roles: Roles) -> None:
    issuer = LocalIssuer(process.identity.name)
    verifier = TokenVerifier(
        issuer=issuer.name,
        audience=issuer.audience,
        algorithms=frozenset({ALGORITHM}),
        keys=issuer,
        leeway_seconds=settings.leeway_seconds,
    )
    _use(process, AccessTokens(verifier, roles, settings.roles_claim))
    process.open(_announced)


def _use(process: Process, access: AccessTokens) -> None:
    process.access = access
    access.record_refusal = process.audit.refused


@asynccontextmanager
async def _announced() -> AsyncIterator[None]:
    _log.info("no AUTH_ISSUER: tokens of the command token are accepted")
    yield
