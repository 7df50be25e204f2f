"""Resources open in order and close in reverse, whatever fails."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chassis.lifespan import create_lifespan, opened


class Recorder:
    """A resource that records what is done with it."""

    def __init__(self, name: str, done: list[str], *, fails: bool = False) -> None:
        self.name = name
        self.done = done
        self.fails = fails

    async def open(self) -> None:
        self.done.append(f"open {self.name}")
        if self.fails:
            raise RuntimeError(self.name)

    async def close(self) -> None:
        self.done.append(f"close {self.name}")


async def test_opens_in_order_and_closes_in_reverse() -> None:
    done: list[str] = []
    lifespan = create_lifespan(lambda: [opened(Recorder("database", done)), opened(Recorder("broker", done))])
    async with lifespan(None):
        done.append("run")
    assert done == ["open database", "open broker", "run", "close broker", "close database"]


async def test_closes_what_was_opened_when_a_later_resource_fails() -> None:
    done: list[str] = []
    lifespan = create_lifespan(
        lambda: [opened(Recorder("database", done)), opened(Recorder("broker", done, fails=True))]
    )
    with pytest.raises(RuntimeError, match="broker"):
        async with lifespan(None):
            pytest.fail("must not start")
    assert done == ["open database", "open broker", "close broker", "close database"]


async def test_each_start_enters_new_contexts() -> None:
    starts: list[str] = []

    @asynccontextmanager
    async def context() -> AsyncIterator[None]:
        starts.append("start")
        yield

    lifespan = create_lifespan(lambda: [context()])
    for _ in range(2):
        async with lifespan(None):
            pass
    assert starts == ["start", "start"]
