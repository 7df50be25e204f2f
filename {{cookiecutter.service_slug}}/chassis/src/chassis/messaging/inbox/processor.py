"""Processes the messages of a subscription: each has its effect once, those of one aggregate one after the other.

Exactly once, because the inbox marks a message as processed in the transaction of its effect; a redelivery finds that.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Token
from time import perf_counter
from typing import Any

import structlog
from pydantic import ValidationError
from structlog.contextvars import bind_contextvars, reset_contextvars

from ...background import Backoff, is_set_within
from ...caller import Caller, acting_for
from ...database.port import DatabaseTransaction, TransactionRunner
from ...domain import Clock
from ...errors import Unavailable
from ..contracts.envelope import Envelope, InvalidEnvelope, parse_envelope, problems
from ..correlation import correlated
from ..port import Dead, Delivery, Done, Retry, Return, Subscription, Verdict, channel_of, noop
from .handlers import EventHandler, HandlerContext, Handlers, Ignored, OutOfOrderEvent, handled
from .key_locks import KeyLocks
from .metrics import ConsumerMetrics
from .port import Inbox
from .retry_policy import RetryPolicy

# Another worker may be processing the preceding event: a moment later it is done.
OUT_OF_ORDER_PAUSES_SECONDS = (0.01, 0.03, 0.1)
# Raises Unavailable.
Check = Callable[[], Awaitable[None]]
# While the database is away every message would fail: they are held, so that none uses up its attempts.
OUTAGE = Backoff(first=0.2, longest=5)
# By default messages are held for about this long.
LONG_OUTAGE_SECONDS = 60
# So many messages that fail one after the other, none succeeding, are an outage too, whatever the errors say.
FAILING_MESSAGES = 5
_log = structlog.stdlib.get_logger("consumer")


class MessageProcessor:
    """Handles the deliveries of one subscription."""

    def __init__(
        self,
        consumer: str,
        handlers: Handlers,
        *,
        transactions: TransactionRunner,
        inbox: Inbox,
        policy: RetryPolicy,
        metrics: ConsumerMetrics,
        now: Clock,
        check: Check,
        long_outage_seconds: float = LONG_OUTAGE_SECONDS,
    ) -> None:
        """Create a processor.

        Args:
            consumer: name of the consumer, and of its subscription.
            handlers: by event type. A message of a type that is neither handled nor ignored is retried: a newer release
                that shares the queue may handle it.
            transactions: run the handlers.
            inbox: of the same database.
            policy: how often a failing message is tried.
            metrics: record each message.
            now: the clock.
            check: raises Unavailable while the database is away.
            long_outage_seconds: how long messages are held, in the hope that an outage is short.

        Attributes:
            on_long_outage: called while an outage lasts longer than messages should be held.
        """
        self.subscription = Subscription(consumer, list(handled(handlers)))
        self._handlers = handlers
        self._transactions = transactions
        self._inbox = inbox
        self._policy = policy
        self._metrics = metrics
        metrics.expect(consumer)
        self._now = now
        self._check = check
        self._long_outage_seconds = long_outage_seconds
        self._keys = KeyLocks()
        self._failing: set[str] = set()
        self._held: set[str] = set()
        self._stopping = asyncio.Event()
        self._outage_since: float | None = None
        self.on_long_outage: Callable[[], None] = noop

    async def __call__(self, delivery: Delivery) -> Verdict:
        """Process a message. Never raises."""
        started = perf_counter()
        # `bound_contextvars` copies the whole context each time: a quarter of what is done beside the transaction.
        logged = {**bind_contextvars(consumer=self.subscription.name)}
        try:
            outcome, verdict = await self._attempt(delivery, logged)
            _log_verdict(outcome, verdict, delivery.attempt)
        finally:
            reset_contextvars(**logged)
        self._metrics.handled(self.subscription.name, outcome, perf_counter() - started)
        return verdict

    async def _attempt(self, delivery: Delivery, logged: dict[str, Token[Any]]) -> tuple[str, Verdict]:
        try:
            return await self._process(delivery, logged)
        except Exception as error:
            _log.exception("message failed", attempt=delivery.attempt)
            return _failed(self._policy.verdict(delivery.attempt, f"{type(error).__name__}: {error}"))

    def stop(self) -> None:
        """Return the messages that are held during an outage: the process is about to end."""
        self._stopping.set()

    def resume(self) -> None:
        """Hold messages again, after `stop`."""
        self._stopping.clear()
        self._outage_since = None

    async def _process(self, delivery: Delivery, logged: dict[str, Token[Any]]) -> tuple[str, Verdict]:
        """Parse and handle a message; from then on each log line carries what is known about it."""
        try:
            envelope = parse_envelope(delivery.body)
        except InvalidEnvelope as error:
            return _failed(Dead(str(error)))
        correlation = envelope.correlation
        logged |= bind_contextvars(
            correlation_id=correlation.correlation_id, event_id=envelope.id, event_type=envelope.type
        )
        handler = self._handlers.get(envelope.type) or self._handlers.get(f"{channel_of(envelope.type)}.*")
        if handler is None:
            unknown = f"{envelope.type}: unknown to this release"
            return _failed(self._policy.verdict(delivery.attempt, unknown, self._policy.attempts_of_unknown))
        if isinstance(handler, Ignored):
            return "ignored", Done()
        if reason := _mismatch(handler, envelope):
            return _failed(Dead(reason))
        if delivery.attempt > self._policy.attempts_of_followers:  # without a failure: the process crashed each time
            return _failed(Dead(f"delivered {delivery.attempt} times without a result"))
        with correlated(correlation), acting_for(Caller(envelope.actor)):
            async with self._keys.held(envelope.subject or envelope.id):
                try:
                    return await self._handle(handler, envelope, delivery.attempt)
                finally:
                    self._release(envelope)

    async def _handle(self, handler: EventHandler, envelope: Envelope, attempt: int) -> tuple[str, Verdict]:
        pauses = iter(OUT_OF_ORDER_PAUSES_SECONDS)
        outages = 0
        while True:
            try:
                outcome = "applied" if await self._apply(handler, envelope) else "duplicate"
                self._failing.clear()
                self._outage_since = None
                return outcome, Done()
            except InvalidEnvelope as error:
                return _failed(Dead(str(error)))
            except OutOfOrderEvent as error:
                pause = next(pauses, None)
                if pause is None:
                    return _failed(self._policy.verdict(attempt, str(error), self._policy.attempts_of_followers))
            except Unavailable as error:
                self._failing.add(envelope.identity)
                if not await self._is_outage(error):  # so the problem is this message
                    return _failed(self._policy.verdict(attempt, str(error)))
                outages += 1
                self._held.add(envelope.identity)
                await self._look_for_long_outage()
                pause = _outage_pause(outages, error)
            if await is_set_within(self._stopping, pause):
                return _failed(Return("the consumer is stopping"))

    async def _apply(self, handler: EventHandler, envelope: Envelope) -> bool:
        """Handle an event unless it was processed before; both are recorded in one transaction."""

        async def step(transaction: DatabaseTransaction) -> bool:
            consumer, id = self.subscription.name, envelope.identity
            if not await self._inbox.mark_processed(transaction, consumer, id, self._now()):
                return False
            await handler.handle(HandlerContext(transaction), envelope)
            return True

        return await self._transactions.run(step)

    def _release(self, envelope: Envelope) -> None:
        """A message is not held any more. Once none is, the outage is over, however the last one has ended."""
        self._held.discard(envelope.identity)
        if not self._held:
            self._outage_since = None

    async def _look_for_long_outage(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._outage_since is None:
            self._outage_since = now
        elif now - self._outage_since > self._long_outage_seconds and await self._is_away():
            self.on_long_outage()

    async def _is_outage(self, error: Unavailable) -> bool:
        """Whether other messages would fail too. A check that passes proves nothing where only changes fail."""
        if error.is_outage or len(self._failing) >= FAILING_MESSAGES:
            return True
        if error.is_outage is False:
            return False
        return await self._is_away()

    async def _is_away(self) -> bool:
        try:
            await self._check()
        except Unavailable:
            return True
        return False


def _log_verdict(outcome: str, verdict: Verdict, attempt: int) -> None:
    match verdict:
        case Retry(after_seconds=seconds, reason=reason):
            _log.warning("message will be retried", reason=reason, attempt=attempt, after_seconds=round(seconds, 3))
        case Return(reason=reason):
            _log.info("message returned", reason=reason, attempt=attempt)
        case Dead(reason=reason):
            _log.error("message dead-lettered", reason=reason, attempt=attempt)
        case Done():
            _log.debug("message handled", outcome=outcome, attempt=attempt)


def _outage_pause(outages: int, error: Unavailable) -> float:
    """How long to wait; logged once."""
    if outages == 1:
        _log.warning("message held while the database is away", reason=str(error))
    return OUTAGE.after(outages)


def _mismatch(handler: EventHandler, envelope: Envelope) -> str | None:
    """Why a message can never be handled; None if it can."""
    if envelope.major != handler.major:
        return f"{envelope.type}: major version {envelope.major} received, {handler.major} is understood"
    try:
        handler.data.model_validate(envelope.data or {})
    except ValidationError as error:
        return f"{envelope.type}: {problems(error)}"
    return None


def _failed(verdict: Verdict) -> tuple[str, Verdict]:
    return ("dead" if isinstance(verdict, Dead) else "retried"), verdict
