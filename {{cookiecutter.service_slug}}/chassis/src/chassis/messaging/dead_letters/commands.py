"""The commands `dead-letters list`, `show`, `replay` and `discard`."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import click

from ...cli import Context
from ..bootstrap import messaging_bootstrap
from ..inbox.handlers import handled
from ..port import Broker, Subscription


@click.group("dead-letters")
def dead_letters() -> None:
    """Messages that could not be handled: look at them, and replay them once the reason is gone, or discard them."""


@dead_letters.command("list")
@click.option("--consumer", help="Only those of this consumer.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many at most.")
@click.pass_obj
def list_command(context: Context, consumer: str | None, limit: int) -> None:
    """A line for each, the oldest first: consumer, id, time, attempts, type, reason."""
    from .operations import list_dead_letters

    broker, subscriptions = _broker(context), _subscriptions(context, consumer)
    _run(list_dead_letters(broker, subscriptions, limit))


@dead_letters.command("show")
@click.argument("consumer")
@click.argument("id")
@click.pass_obj
def show_command(context: Context, consumer: str, id: str) -> None:
    """Everything about one, as JSON."""
    from .operations import show_dead_letter

    broker, [subscription] = _broker(context), _subscriptions(context, consumer)
    _run(show_dead_letter(broker, subscription, id))


@dead_letters.command("replay")
@click.argument("consumer")
@click.argument("ids", nargs=-1)
@click.option("--all", "all_of_them", is_flag=True, help="All that exist now, the oldest first.")
@click.pass_obj
def replay_command(context: Context, consumer: str, ids: tuple[str, ...], all_of_them: bool) -> None:
    """Deliver them to their consumer again. Safe to repeat: a message that had its effect does not have it twice."""
    from .operations import replay_dead_letters

    if bool(ids) == all_of_them:
        raise click.UsageError("name the ids to replay, or give --all")
    broker, [subscription] = _broker(context), _subscriptions(context, consumer)
    _run(replay_dead_letters(broker, subscription, ids))


@dead_letters.command("discard")
@click.argument("consumer")
@click.argument("id")
@click.confirmation_option(prompt="A discarded message is lost: its consumer never handles it. Discard it?")
@click.pass_obj
def discard_command(context: Context, consumer: str, id: str) -> None:
    """Delete one that can never be handled."""
    from .operations import discard_dead_letter

    broker, [subscription] = _broker(context), _subscriptions(context, consumer)
    _run(discard_dead_letter(broker, subscription, id))


def _broker(context: Context) -> Broker:
    settings = context.settings("broker", prints=True)
    if settings.broker.url is None:
        raise click.UsageError("BROKER_URL is not set: name the broker that holds the dead letters")
    return messaging_bootstrap(context).create_broker(settings)


def _subscriptions(context: Context, consumer: str | None) -> list[Subscription]:
    handlers = messaging_bootstrap(context).create_subscriptions_in_memory()
    if consumer is not None and consumer not in handlers:
        raise click.UsageError(f"no consumer {consumer}; the consumers are {', '.join(handlers)}")
    return [Subscription(name, list(handled(types))) for name, types in handlers.items() if consumer in {None, name}]


def _run(operation: Coroutine[Any, Any, None]) -> None:
    from ...errors import Unavailable
    from ..port import DeadLetterNotFound

    try:
        asyncio.run(operation)
    except (Unavailable, DeadLetterNotFound) as error:
        raise click.ClickException(str(error)) from error
