"""How often a relay looks for messages."""

import asyncio
from time import monotonic

import pytest

from {{ cookiecutter.package_name }}.infrastructure.database.polling import (
    GROWTH,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    PollingArrivals,
)

SOON_SECONDS = LONGEST_SECONDS / 2
PATIENCE_SECONDS = 30


@pytest.fixture
def announced() -> asyncio.Event:
    """Set by whoever adds a message."""
    return asyncio.Event()


@pytest.fixture
def arrivals(announced: asyncio.Event) -> PollingArrivals:
    """Those of a relay that has just begun."""
    return PollingArrivals(announced)


async def pause(arrivals: PollingArrivals) -> float:
    """How long it waits until the next look."""
    begun = monotonic()
    await arrivals.wait()
    return monotonic() - begun


async def become_idle(arrivals: PollingArrivals) -> None:
    """Look in vain until the pauses do not grow any more."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await pause(arrivals) < LONGEST_SECONDS:
            pass


async def test_looks_less_and_less_while_there_is_nothing(arrivals: PollingArrivals) -> None:
    pauses = [await pause(arrivals) for _ in range(4)]
    assert all(each >= SHORTEST_SECONDS * GROWTH**number for number, each in enumerate(pauses))


async def test_looks_often_again_once_there_was_something(arrivals: PollingArrivals) -> None:
    await become_idle(arrivals)
    arrivals.busy()
    assert await pause(arrivals) < SOON_SECONDS


async def test_looks_at_once_and_soon_again_when_the_process_itself_adds_something(
    arrivals: PollingArrivals, announced: asyncio.Event
) -> None:
    await become_idle(arrivals)
    announced.set()
    assert await pause(arrivals) < SOON_SECONDS
    assert SHORTEST_SECONDS <= await pause(arrivals) < SOON_SECONDS
