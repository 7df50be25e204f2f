"""The issuer's keys: known ahead of requests, refreshed, and kept while the issuer is away."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Protocol

import jwt
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from ...background import Backoff, TokenBucket, in_background
from ...errors import Unavailable
from .issuer import DEPENDENCY

# Keys that tokens name and that are not known: how many fetches they may cause at once, and how often after that.
UNKNOWN_AT_ONCE = 3
UNKNOWN_SECONDS = 10
RETRY = Backoff(first=0.5, longest=30)
# The algorithms of a key that names none, by its type and curve (RFC 7518, section 3.1).
FITTING = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
# By name and algorithm: a key never verifies another kind of signature than its own.
KeySet = Mapping[tuple[str | None, str], jwt.PyJWK]
_log = structlog.stdlib.get_logger("auth")


class KeySource(Protocol):
    """Where keys are published."""

    async def fetch_keys(self) -> Iterable[dict[str, Any]]:
        """The keys as JSON Web Keys. Raises Unavailable."""
        ...


class KeyMetrics:
    """Fetches of keys."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.fetches = Counter(
            "auth_key_fetches_total", "Requests for the issuer's keys", ["outcome"], registry=registry
        )
        self.known = Gauge("auth_keys", "Keys of the issuer that tokens are verified with", registry=registry)
        for outcome in ("ok", "failed"):
            self.fetches.labels(outcome)


class FetchedKeys:
    """The keys that the issuer published last."""

    def __init__(
        self,
        source: KeySource,
        algorithms: frozenset[str],
        *,
        metrics: KeyMetrics,
        refresh_seconds: float,
        now: Callable[[], float] = monotonic,
    ) -> None:
        """Begin without keys.

        Args:
            source: where they are fetched.
            algorithms: of signatures that are accepted.
            metrics: count fetches.
            refresh_seconds: how often they are fetched.
            now: a clock in seconds.

        Attributes:
            on_change: called after keys were added or removed.
        """
        self._source = source
        self._algorithms = algorithms
        self._metrics = metrics
        self._refresh_seconds = refresh_seconds
        self._keys: KeySet = {}
        self._failure: Unavailable | None = Unavailable(DEPENDENCY, "its keys are not known yet")
        self._fetching = asyncio.Lock()
        self._fetches = 0
        self._unknown = TokenBucket(UNKNOWN_AT_ONCE, 1 / UNKNOWN_SECONDS, now)
        self.on_change: Callable[[], None] = lambda: None

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key for a token; a name that is not known may be new, so the issuer is asked. See `Keys`."""
        key = self._known(kid, algorithm)
        if key is None:
            await self._fetch_for_unknown()
            key = self._known(kid, algorithm)
        if key is None and not self._keys:
            raise self._failure or Unavailable(DEPENDENCY, "publishes no key that can be used")
        return key

    async def check(self) -> None:
        """Raise Unavailable while no keys are known, or if the last fetch failed."""
        if self._failure is not None:
            raise self._failure

    @asynccontextmanager
    async def refreshing(self) -> AsyncIterator[None]:
        """Fetch at once, so that the first request need not wait, and regularly inside the block."""
        await self._fetch()
        async with in_background(self._refresh()):
            yield

    async def _refresh(self) -> None:
        failures = 0
        while True:
            failures = failures + 1 if self._failure else 0
            await asyncio.sleep(RETRY.after(failures) if failures else self._refresh_seconds)
            await self._fetch()

    def _known(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        if kid is not None:
            return self._keys.get((kid, algorithm))
        fitting = [key for (_, each), key in self._keys.items() if each == algorithm]
        return fitting[0] if len(fitting) == 1 else None

    async def _fetch_for_unknown(self) -> None:
        """Requests that wait at the same time share one fetch; invented names cause few."""
        before = self._fetches
        async with self._fetching:
            if self._fetches == before and self._unknown.take():
                await self._fetch_now()

    async def _fetch(self) -> None:
        async with self._fetching:
            await self._fetch_now()

    async def _fetch_now(self) -> None:
        try:
            keys = dict(_usable(await self._source.fetch_keys(), self._algorithms))
        except Unavailable as error:
            self._failed(error)
            return
        except Exception:  # a bug must not end the task that fetches, nor turn requests into errors
            _log.exception("keys not fetched")
            self._failed(Unavailable(DEPENDENCY, "its keys cannot be read"))
            return
        finally:
            self._fetches += 1
        self._metrics.fetches.labels("ok").inc()
        self._failure = None if keys else Unavailable(DEPENDENCY, "publishes no key that can be used")
        self._replace(keys)

    def _failed(self, error: Unavailable) -> None:
        """Keys that are known stay."""
        self._metrics.fetches.labels("failed").inc()
        _log.warning("keys not fetched", reason=error.reason, known=len(self._keys))
        self._failure = error

    def _replace(self, keys: KeySet) -> None:
        changed = _identities(keys) != _identities(self._keys)
        self._keys = keys
        self._metrics.known.set(len({kid for kid, _ in keys}))
        if changed:
            _log.info("keys changed", kids=sorted({kid or "" for kid, _ in keys}))
            self.on_change()


def _usable(
    published: Iterable[dict[str, Any]], algorithms: frozenset[str]
) -> Iterator[tuple[tuple[str | None, str], jwt.PyJWK]]:
    """Each key with each algorithm that it fits; those for other purposes, and shared secrets, are left out."""
    for data in published:
        kid = data.get("kid")
        if data.get("use", "sig") != "sig" or not (kid is None or isinstance(kid, str)):
            continue
        fitting = FITTING.get((str(data.get("kty")), data.get("crv")), ())
        for algorithm in fitting:
            if algorithm in algorithms and data.get("alg", algorithm) == algorithm:
                try:
                    yield (kid, algorithm), jwt.PyJWK(data, algorithm)
                except jwt.PyJWTError as error:
                    _log.warning("key left out", kid=kid, reason=type(error).__name__)


def _identities(keys: KeySet) -> frozenset[tuple[str | None, str, bytes]]:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return frozenset(
        (kid, algorithm, key.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        for (kid, algorithm), key in keys.items()
    )
