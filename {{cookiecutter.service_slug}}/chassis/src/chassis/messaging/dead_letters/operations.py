"""The operations behind the commands for dead letters, and their output."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import click
import orjson
import structlog

from ..port import Broker, DeadLetter, DeadLetterIncomplete, Subscription

MAX_COUNT = 1_000_000
REASON_LENGTH = 100

_log = structlog.stdlib.get_logger("dead-letters")


async def list_dead_letters(broker: Broker, subscriptions: Sequence[Subscription], limit: int) -> None:
    """Print a line for each."""
    async with _opened(broker):
        for subscription in subscriptions:
            for letter in await broker.dead_letters(subscription, limit):
                click.echo(_line(subscription, letter))


async def show_dead_letter(broker: Broker, subscription: Subscription, id: str) -> None:
    """Print one as JSON; a body that is not JSON is shown as text."""
    async with _opened(broker):
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


async def replay_dead_letters(broker: Broker, subscription: Subscription, ids: Sequence[str]) -> None:
    """Replay dead letters.

    Args:
        broker: holds them.
        subscription: that they belong to.
        ids: which of them; all that exist now, if none is named.
    """
    failed = 0
    async with _opened(broker):
        chosen = ids or [letter.id for letter in await broker.dead_letters(subscription, MAX_COUNT)]
        for id in chosen:
            try:
                await broker.replay(subscription, id)
            except DeadLetterIncomplete as error:  # does not concern the others
                click.echo(error, err=True)
                failed += 1
            else:
                click.echo(f"replayed {id}")
    if not chosen:
        click.echo("no dead letters")
    if failed:
        raise click.ClickException(f"{failed} of {len(chosen)} not replayed")


async def discard_dead_letter(broker: Broker, subscription: Subscription, id: str) -> None:
    """Delete a dead letter; the log keeps a line about it, as nothing else does."""
    async with _opened(broker):
        letter = await broker.dead_letter(subscription, id)
        await broker.discard(subscription, id)
    _log.warning("dead letter discarded", consumer=subscription.name, dead_letter=id, reason=letter.reason)
    click.echo(f"discarded {id}")


@asynccontextmanager
async def _opened(broker: Broker) -> AsyncIterator[None]:
    await broker.open()
    try:
        yield
    finally:
        await broker.close()


def _line(subscription: Subscription, letter: DeadLetter) -> str:
    failed_at = letter.failed_at.isoformat(timespec="seconds")
    attempts = f"{letter.attempts} attempt{'s' if letter.attempts != 1 else ''}"
    return "  ".join(
        (subscription.name, letter.id, failed_at, attempts, _type(letter.body), _on_one_line(letter.reason))
    )


def _on_one_line(reason: str) -> str:
    """Its beginning, up to the end of a word if one ends in the second half; `show` prints all of it."""
    line = " ".join(reason.split())
    if len(line) <= REASON_LENGTH:
        return line
    end = line.rfind(" ", REASON_LENGTH // 2, REASON_LENGTH)
    return line[: REASON_LENGTH - 1 if end < 0 else end] + "\N{HORIZONTAL ELLIPSIS}"


def _type(body: bytes) -> str:
    parsed = _readable(body)
    return str(parsed.get("type", "-")) if isinstance(parsed, dict) else "-"


def _readable(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="backslashreplace")
