"""Rate limits: a token bucket for each caller and group of routes. Pure ASGI."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import Protocol

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..caller import Caller
from .caller import key_of
from .metrics import OverloadMetrics
from .overload import PEER, LimitedSenders, Sender
from .problems import ProblemDocuments
from .routes import READ, WRITE, group_of, is_probe
from .settings import HttpSettings

# Beyond as many callers, the one that was silent for the longest time begins anew.
MAX_CALLERS = 10_000
# Of a token: differences of times are not exact.
_ROUNDING = 1e-6

_log = structlog.stdlib.get_logger("limits")


@dataclass(frozen=True, slots=True)
class Quota:
    """The rate at which a caller may send requests to a group of routes.

    Args:
        requests_per_second: for as long as it likes.
        burst: at once, after a pause.
    """

    requests_per_second: int
    burst: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """The answer to one request.

    Args:
        allowed: whether it is within the quota.
        remaining: how many more are now.
        reset_seconds: until the whole burst is available again.
        retry_after_seconds: until the next request is allowed; 0 if one is now.
    """

    allowed: bool
    remaining: int
    reset_seconds: float
    retry_after_seconds: float


class RateLimiter(Protocol):
    """Counts requests of callers, for this process or for all of them."""

    async def consume(self, group: str, caller: str) -> Allowance:
        """Count one request of a caller to a group of routes."""


class TokenBuckets:
    """Counts in this process: with several replicas a caller may send as many times more.

    The buckets are refilled continuously, by the generic cell rate algorithm (ITU-T I.371): of each caller it keeps one
    number, the time at which its bucket is full again. throttled-py does the same for three times the CPU time, which
    every request would pay.
    """

    def __init__(self, quotas: Mapping[str, Quota], max_callers: int = MAX_CALLERS) -> None:
        """Begin with full buckets.

        Args:
            quotas: of each group of routes.
            max_callers: how many are remembered for each group.
        """
        self._quotas = quotas
        self._max_callers = max_callers
        self._full_at: Mapping[str, OrderedDict[str, float]] = {group: OrderedDict() for group in quotas}

    async def consume(self, group: str, caller: str) -> Allowance:
        """Count one request of a caller to a group of routes."""
        quota, full_at, now = self._quotas[group], self._full_at[group], monotonic()
        missing = max(full_at.get(caller, now) - now, 0.0) * quota.requests_per_second
        allowed = missing + 1 <= quota.burst + _ROUNDING
        if allowed:
            missing += 1
        full_at[caller] = now + missing / quota.requests_per_second
        full_at.move_to_end(caller)
        if len(full_at) > self._max_callers:
            full_at.popitem(last=False)
        return Allowance(
            allowed,
            int(quota.burst - missing + _ROUNDING),
            missing / quota.requests_per_second,
            0.0 if allowed else (missing + 1 - quota.burst) / quota.requests_per_second,
        )


def quotas_of(settings: HttpSettings) -> Mapping[str, Quota]:
    """The quota of each group of routes."""
    return {
        READ: Quota(settings.rate_limit_reads_per_second, settings.rate_limit_read_burst),
        WRITE: Quota(settings.rate_limit_writes_per_second, settings.rate_limit_write_burst),
    }


class RateLimitDocuments:
    """Responses and header fields with the quota of a caller.

    The fields `RateLimit` and `RateLimit-Policy` follow draft-ietf-httpapi-ratelimit-headers.
    """

    def __init__(self, problems: ProblemDocuments, quotas: Mapping[str, Quota]) -> None:
        self._problems = problems
        self._quotas = quotas
        self._policies = {group: _policy(group, quota) for group, quota in quotas.items()}

    def fields(self, group: str, allowance: Allowance) -> list[tuple[bytes, bytes]]:
        """The fields of a response.

        Args:
            group: of routes that the request belongs to.
            allowance: what is left.
        """
        limit = f'"{group}";r={allowance.remaining};t={ceil(allowance.reset_seconds)}'
        return [(b"ratelimit-policy", self._policies[group]), (b"ratelimit", limit.encode())]

    def refusal(self, group: str, allowance: Allowance, correlation_id: str | None = None) -> Response:
        """The response to a request above the quota."""
        quota = self._quotas[group]
        return self._problems.response(
            429,
            "rate-limit-exceeded",
            f"{quota.requests_per_second} {group} requests a second are allowed, {quota.burst} at once",
            correlation_id=correlation_id,
            headers={
                **{name.decode(): value.decode() for name, value in self.fields(group, allowance)},
                "retry-after": str(max(1, ceil(allowance.retry_after_seconds))),
            },
        )

    def refusals(self) -> Mapping[str, Response]:
        """The response to each group for any caller that has used up its quota."""
        used_up = {
            group: Allowance(
                allowed=False,
                remaining=0,
                reset_seconds=quota.burst / quota.requests_per_second,
                retry_after_seconds=1 / quota.requests_per_second,
            )
            for group, quota in self._quotas.items()
        }
        return {group: self.refusal(group, allowance) for group, allowance in used_up.items()}


class RateLimitMiddleware:
    """Responds with 429 to a caller above its quota; or, to learn which quotas fit, only logs and counts it.

    Callers see the fields of `RateLimitDocuments` where the quota is enforced. Probes and scrapes are not counted.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        documents: RateLimitDocuments,
        metrics: OverloadMetrics,
        limiter: RateLimiter,
        limited: LimitedSenders,
        settings: HttpSettings,
    ) -> None:
        self._app = app
        self._documents = documents
        self._metrics = metrics
        self._limiter = limiter
        self._limited = limited
        self._enforced = settings.rate_limit == "on"
        self._has_proxy = bool(settings.proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI server."""
        if scope["type"] != "http" or is_probe(scope["path"]):
            await self._app(scope, receive, send)
            return
        group = group_of(scope["method"])
        allowance = await self._limiter.consume(group, key_of(scope))
        if not allowance.allowed:
            self._record(group)
            if self._enforced:
                self._have_refused(scope, group, allowance.retry_after_seconds)
                refusal = self._documents.refusal(group, allowance, scope.get("correlation_id"))
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, self._announcing(group, allowance, send) if self._enforced else send)

    def _record(self, group: str) -> None:
        action = "refused" if self._enforced else "logged"
        self._metrics.over_limit(group, action)
        # Without the caller: addresses are personal data, and the proxy's log has them.
        _log.warning("rate limit exceeded", group=group, action=action, count=1)

    def _have_refused(self, scope: Scope, group: str, seconds: float) -> None:
        """Have the server refuse the next ones, unless it cannot distinguish the caller from others: behind a proxy."""
        caller: Caller = scope["caller"]
        if PEER in scope and (caller.subject is not None or not self._has_proxy):
            self._limited.add(Sender.of(group, scope[PEER], scope["headers"]), seconds)

    def _announcing(self, group: str, allowance: Allowance, send: Send) -> Send:
        async def send_with_fields(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._documents.fields(group, allowance)]
            await send(message)

        return send_with_fields


def _policy(group: str, quota: Quota) -> bytes:
    return f'"{group}";q={quota.burst};w={ceil(quota.burst / quota.requests_per_second)}'.encode()
