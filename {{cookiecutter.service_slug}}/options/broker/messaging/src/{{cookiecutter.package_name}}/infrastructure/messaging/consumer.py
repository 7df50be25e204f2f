"""Takes messages in: the effect of each happens once, those of one aggregate one after the other.

Exactly once, because the inbox notes a message in the transaction of its effect; a message that comes again finds it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter

import structlog
from pydantic import BaseModel, ValidationError

from ...domain.causality import caused_by
from ...domain.errors import Unavailable
from ...domain.history import Early, History
from ...domain.ports import Clock, Transactions, UnitOfWork
from .backoff import Backoff
from .envelope import Envelope, InvalidEnvelope, problems, read
from .key_locks import KeyLocks
from .metrics import ConsumerMetrics
from .port import Dead, Delivery, Done, Retry, Subscription, Verdict
from .store import MessageStore

# Another worker may be at work on the event before this one: a moment later it is done.
EARLY_PAUSES_SECONDS = (0.01, 0.03, 0.1)
# Raises Unavailable.
Check = Callable[[], Awaitable[None]]
# While the database is away every message would fail: they are held, so that none uses up its attempts.
OUTAGE = Backoff(first=0.2, longest=5)
_log = structlog.stdlib.get_logger("consumer")


@dataclass(frozen=True, slots=True)
class Step:
    """What a reaction may read and change, in one transaction."""

    work: UnitOfWork
    history: History


@dataclass(frozen=True, slots=True)
class Reaction:
    """What is done about a type of event.

    Args:
        major: version of its schema that is understood.
        data: what `data` must hold; fields it does not know are left alone.
        react: does it. Raises Early for an event whose predecessor has not come, InvalidEnvelope for one that lacks
            what it needs.
    """

    major: int
    data: type[BaseModel]
    react: Callable[[Step, Envelope], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A message that fails is tried again, `attempts` times at most, before it becomes a dead letter."""

    attempts: int
    backoff: Backoff

    def verdict(self, attempt: int, reason: str, attempts: int | None = None) -> Verdict:
        """What becomes of a message whose attempt has failed."""
        if attempt >= (attempts or self.attempts):
            return Dead(reason)
        return Retry(self.backoff.after(attempt), reason)


class Consumer:
    """Handles the messages of one subscription."""

    def __init__(
        self,
        name: str,
        reactions: Mapping[str, Reaction],
        transactions: Transactions,
        store: MessageStore,
        policy: RetryPolicy,
        metrics: ConsumerMetrics,
        now: Clock,
        check: Check,
    ) -> None:
        self.subscription = Subscription(name, list(reactions))
        self._reactions = reactions
        self._transactions = transactions
        self._store = store
        self._policy = policy
        self._metrics = metrics
        metrics.expect(name)
        self._now = now
        self._check = check
        self._keys = KeyLocks()
        self._stopping = asyncio.Event()

    async def __call__(self, delivery: Delivery) -> Verdict:
        """Handle a message. Never raises."""
        started = perf_counter()
        with ExitStack() as noted:
            noted.enter_context(structlog.contextvars.bound_contextvars(consumer=self.subscription.name))
            try:
                outcome, verdict = await self._handle(delivery, noted)
            except Exception as error:
                _log.exception("message failed", attempt=delivery.attempt)
                reason = f"{type(error).__name__}: {error}"
                outcome, verdict = _failed(self._policy.verdict(delivery.attempt, reason))
            self._tell(outcome, verdict, delivery.attempt)
        self._metrics.handled(self.subscription.name, outcome, perf_counter() - started)
        return verdict

    def stop(self) -> None:
        """Hold no message any longer: the process is about to end."""
        self._stopping.set()

    async def _handle(self, delivery: Delivery, noted: ExitStack) -> tuple[str, Verdict]:
        """Do what is to be done about a message; what is known about it is noted for every line from then on."""
        try:
            envelope = read(delivery.body)
        except InvalidEnvelope as error:
            return _failed(Dead(str(error)))
        noted.enter_context(
            structlog.contextvars.bound_contextvars(
                correlation_id=envelope.cause.correlation_id, event_id=envelope.id, event_type=envelope.type
            )
        )
        reaction = self._reactions.get(envelope.type)
        if reaction is None:
            return "ignored", Done()
        if refusal := _refusal(reaction, envelope):
            return _failed(Dead(refusal))
        if delivery.attempt > self._policy.attempts * 2:  # it comes back without ever having failed: a crash each time
            return _failed(Dead(f"delivered {delivery.attempt} times without an end"))
        with caused_by(envelope.cause):
            async with self._keys.held(envelope.subject or envelope.id):
                return await self._react(reaction, envelope, delivery.attempt)

    async def _react(self, reaction: Reaction, envelope: Envelope, attempt: int) -> tuple[str, Verdict]:
        pauses = iter(EARLY_PAUSES_SECONDS)
        outages = 0
        while True:
            try:
                return ("applied" if await self._apply(reaction, envelope) else "duplicate"), Done()
            except InvalidEnvelope as error:
                return _failed(Dead(str(error)))
            except Early as error:
                pause = next(pauses, None)
                if pause is None:
                    # Its predecessor may be in its own retries: this one waits longer than those can take.
                    return _failed(self._policy.verdict(attempt, str(error), self._policy.attempts * 2))
            except Unavailable as error:
                if not await self._is_away():  # so it is this message that asks for too much
                    return _failed(self._policy.verdict(attempt, str(error)))
                outages += 1
                pause = _outage(outages, error)
            if await self._stopped_within(pause):
                return _failed(Retry(0, "the process ends"))

    async def _apply(self, reaction: Reaction, envelope: Envelope) -> bool:
        """The effect, unless it has happened before; both are noted in one transaction."""

        async def step(work: UnitOfWork) -> bool:
            books = self._store.within(work)
            if not await books.first_time(self.subscription.name, envelope.identity, self._now()):
                return False
            await reaction.react(Step(work, books.history), envelope)
            return True

        return await self._transactions.run(step)

    async def _is_away(self) -> bool:
        """Whether the database is away for every message."""
        try:
            await self._check()
        except Unavailable:
            return True
        return False

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True

    def _tell(self, outcome: str, verdict: Verdict, attempt: int) -> None:
        match verdict:
            case Retry(after_seconds=seconds, reason=reason):
                _log.warning("message will come again", reason=reason, attempt=attempt, after_seconds=round(seconds, 3))
            case Dead(reason=reason):
                _log.error("message is a dead letter", reason=reason, attempt=attempt)
            case Done():
                _log.debug("message handled", outcome=outcome, attempt=attempt)


def _outage(outages: int, error: Unavailable) -> float:
    """How long to wait; said once."""
    if outages == 1:
        _log.warning("waits with a message", reason=str(error))
    return OUTAGE.after(outages)


def _refusal(reaction: Reaction, envelope: Envelope) -> str | None:
    """Why a message can never be handled; None if it can."""
    if envelope.major != reaction.major:
        return f"{envelope.type}: major version {envelope.major} came, {reaction.major} is understood"
    try:
        reaction.data.model_validate(envelope.data or {})
    except ValidationError as error:
        return f"{envelope.type}: {problems(error)}"
    return None


def _failed(verdict: Verdict) -> tuple[str, Verdict]:
    return ("dead" if isinstance(verdict, Dead) else "retried"), verdict
