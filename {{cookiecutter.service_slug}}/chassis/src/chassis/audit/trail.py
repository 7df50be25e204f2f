"""Refusals in the audit log. They have a transaction of their own, because that of the refused work is rolled back."""

import asyncio
from collections.abc import Callable
from time import monotonic

import structlog
from prometheus_client import CollectorRegistry, Counter

from ..background import TokenBucket
from ..errors import Unavailable
from .entry import AuditEntry
from .port import AuditedDatabase

# A flood of refused requests must neither fill the table nor occupy the database.
REFUSALS_PER_SECOND = 10
REFUSALS_AT_ONCE = 100
WRITE_SECONDS = 1.0

_log = structlog.stdlib.get_logger("audit")


class AuditMetrics:
    """Counts refusals, and how many of them are missing in the table."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = Counter(
            "audit_refusals", "Refusals, and whether they are in the audit log", ["result"], registry=registry
        )
        self.stored, self.limited, self.failed = map(counter.labels, ("stored", "limited", "failed"))


class AuditTrail:
    """Records refusals: stored within a rate, logged and counted always. Never raises."""

    def __init__(
        self, database: AuditedDatabase, registry: CollectorRegistry, now_seconds: Callable[[], float] = monotonic
    ) -> None:
        """Record refusals.

        Args:
            database: where they are stored.
            registry: of the metric `audit_refusals_total`.
            now_seconds: a clock that only goes forward.
        """
        self._database = database
        self._metrics = AuditMetrics(registry)
        self._storable = TokenBucket(REFUSALS_AT_ONCE, REFUSALS_PER_SECOND, now_seconds)

    async def refused(
        self,
        action: str,
        reason: str,
        *,
        entity_kind: str | None = None,
        entity_id: str | None = None,
        entity_version: int | None = None,
    ) -> None:
        """Record that something was refused to the present caller; returns once it is stored, within a second.

        Args:
            action: the operation that was refused, such as `pay_invoice`.
            reason: why, in a fixed word, such as the last part of the problem's type.
            entity_kind: of the entity, if it is known.
            entity_id: of the entity, if it is known.
            entity_version: of the entity, if it is known.
        """
        entry = AuditEntry.refused(action, reason, entity_kind, entity_id, entity_version)
        if not self._storable.take():
            self._metrics.limited.inc()
            entry.log(stored=False)
            return
        stored = await self._stored(entry)
        (self._metrics.stored if stored else self._metrics.failed).inc()
        entry.log(stored=stored)

    async def _stored(self, entry: AuditEntry) -> bool:
        try:
            async with asyncio.timeout(WRITE_SECONDS), self._database.begin() as transaction:
                await transaction.audit.record([entry])
        except (Unavailable, TimeoutError) as error:
            reason = error.reason if isinstance(error, Unavailable) else "no answer in time"
            _log.warning("audit entry not stored", reason=reason)
            return False
        except Exception:  # such as a missing right: the refusal itself must reach the client
            _log.exception("audit entry not stored")
            return False
        return True
