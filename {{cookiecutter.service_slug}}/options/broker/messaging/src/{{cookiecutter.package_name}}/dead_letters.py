"""Dead letters on the command line."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import click
import orjson

from .config import Settings
from .domain.errors import Unavailable
from .infrastructure.messaging import select_broker
from .infrastructure.messaging.port import (
    Broker,
    DeadLetter,
    DeadLetterIncomplete,
    DeadLetterNotFound,
    Subscription,
)
from .infrastructure.messaging.subscriptions import subscriptions

EVERY = 1_000_000
REASON_LENGTH = 100


def list_letters(settings: Settings, consumer: str | None, limit: int) -> None:
    """Print a line for each."""

    async def run() -> None:
        async with _opened(settings) as broker:
            for subscription in _subscriptions(consumer):
                for letter in await broker.dead_letters(subscription, limit):
                    click.echo(_line(subscription, letter))

    _run(run())


def show_letter(settings: Settings, consumer: str, id: str) -> None:
    """Print one as JSON; a body that is no JSON is shown as text."""

    async def run() -> None:
        [subscription] = _subscriptions(consumer)
        async with _opened(settings) as broker:
            letter = await broker.dead_letter(subscription, id)
        shown = {
            "consumer": subscription.name,
            "id": letter.id,
            "reason": letter.reason,
            "attempts": letter.attempts,
            "failed_at": letter.failed_at,
            "headers": dict(letter.headers),
            "body": _readable(letter.body),
        }
        if letter.left_out:
            shown["left_out"] = letter.left_out
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))

    _run(run())


def replay_letters(settings: Settings, consumer: str, ids: Sequence[str]) -> None:
    """Hand letters over again.

    Args:
        settings: which broker.
        consumer: whose letters.
        ids: which of them; all that are there now, if none is named.
    """

    async def run() -> None:
        [subscription] = _subscriptions(consumer)
        left = 0
        async with _opened(settings) as broker:
            chosen = ids or [letter.id for letter in await broker.dead_letters(subscription, EVERY)]
            for id in chosen:
                try:
                    await broker.replay(subscription, id)
                except DeadLetterIncomplete as error:  # no reason to keep the others back
                    click.echo(error, err=True)
                    left += 1
                else:
                    click.echo(f"replayed {id}")
        if not chosen:
            click.echo("no dead letters")
        if left:
            raise click.ClickException(f"{left} of {len(chosen)} not replayed")

    _run(run())


def _subscriptions(consumer: str | None) -> Iterator[Subscription]:
    known = {name: Subscription(name, list(reactions)) for name, reactions in subscriptions().items()}
    if consumer is not None and consumer not in known:
        raise click.UsageError(f"no consumer {consumer}; there is {', '.join(known)}")
    return (subscription for name, subscription in known.items() if consumer in {None, name})


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Broker]:
    if settings.broker.url is None:
        raise click.UsageError("BROKER_URL is not set: say which broker to ask")
    broker = select_broker(settings.broker)
    await broker.open()
    try:
        yield broker
    finally:
        await broker.close()


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except (Unavailable, DeadLetterNotFound) as error:
        raise click.ClickException(str(error)) from error


def _line(subscription: Subscription, letter: DeadLetter) -> str:
    reason = " ".join(letter.reason.split())[:REASON_LENGTH]
    failed_at = letter.failed_at.isoformat(timespec="seconds")
    attempts = f"{letter.attempts} attempt{'s' if letter.attempts != 1 else ''}"
    return "  ".join((subscription.name, letter.id, failed_at, attempts, _type(letter.body), reason))


def _type(body: bytes) -> str:
    parsed = _readable(body)
    return str(parsed.get("type", "-")) if isinstance(parsed, dict) else "-"


def _readable(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="backslashreplace")
