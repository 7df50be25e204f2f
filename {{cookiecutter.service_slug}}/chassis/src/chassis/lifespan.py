"""Opens resources in order when a process starts, and closes them in reverse when it ends."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]


class Resource(Protocol):
    """A database or a broker."""

    async def open(self) -> None:
        """Prepare for use."""
        ...

    async def close(self) -> None:
        """Release everything."""
        ...


@asynccontextmanager
async def opened(resource: Resource) -> AsyncIterator[None]:
    """Keep a resource open inside the block; it is closed also if opening it fails half-way."""
    try:
        await resource.open()
        yield
    finally:
        await resource.close()


def create_lifespan(contexts: Callable[[], Iterable[AbstractAsyncContextManager[object]]]) -> Lifespan:
    """The lifespan of an ASGI application.

    Args:
        contexts: creates what to enter, from first to last; called at each start.
    """

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for context in contexts():
                await stack.enter_async_context(context)
            yield

    return lifespan
