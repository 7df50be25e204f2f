"""How often a relay polls the outbox."""

import asyncio
from time import monotonic

import pytest

from chassis.messaging.outbox.polling import GROWTH, LONGEST_SECONDS, SHORTEST_SECONDS, PollingListener

SOON_SECONDS = LONGEST_SECONDS / 2
TIMEOUT_SECONDS = 30


@pytest.fixture
def enqueued() -> asyncio.Event:
    """Set for each message that this process enqueues."""
    return asyncio.Event()


@pytest.fixture
def listener(enqueued: asyncio.Event) -> PollingListener:
    """The listener of a relay that has just started."""
    return PollingListener(enqueued)


async def pause(listener: PollingListener) -> float:
    """How long it waits."""
    begun = monotonic()
    await listener.wait()
    return monotonic() - begun


async def become_idle(listener: PollingListener) -> None:
    """Wait until the pauses no longer grow."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while await pause(listener) < LONGEST_SECONDS:
            pass


async def test_polls_less_and_less_while_there_is_nothing(listener: PollingListener) -> None:
    pauses = [await pause(listener) for _ in range(4)]
    assert all(each >= SHORTEST_SECONDS * GROWTH**number for number, each in enumerate(pauses))


async def test_polls_often_again_after_messages_were_found(listener: PollingListener) -> None:
    await become_idle(listener)
    listener.busy()
    assert await pause(listener) < SOON_SECONDS


async def test_polls_at_once_and_soon_again_when_this_process_enqueues(
    listener: PollingListener, enqueued: asyncio.Event
) -> None:
    await become_idle(listener)
    enqueued.set()
    assert await pause(listener) < SOON_SECONDS
    assert SHORTEST_SECONDS <= await pause(listener) < SOON_SECONDS
