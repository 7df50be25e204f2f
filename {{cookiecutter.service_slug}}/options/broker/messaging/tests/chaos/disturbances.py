"""What goes wrong in a bad night."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from .outage import Outage
from .processes import Process

PAUSE_SECONDS = (0.5, 2.5)
AWAY_SECONDS = (2.0, 6.0)


async def disturb(
    api: Process,
    workers: Sequence[Process],
    outage: Outage,
    seconds: float,
    tell: Callable[[str], None],
) -> Counter[str]:
    """Kill processes and cut off the broker, at random, for a time; at its end everything runs again.

    Args:
        api: is killed and started again.
        workers: likewise.
        outage: takes the broker away and brings it back.
        seconds: how long.
        tell: is told what happens.

    Returns:
        how often each thing happened.
    """

    async def kill(process: Process) -> None:
        await asyncio.to_thread(process.kill)
        process.start()

    async def go_away() -> None:
        await outage.down()
        await asyncio.sleep(random.uniform(*AWAY_SECONDS))  # noqa: S311
        await outage.up()

    kinds: list[tuple[str, Callable[[], Awaitable[None]]]] = [
        ("api killed", lambda: kill(api)),
        ("worker killed", lambda: kill(random.choice(workers))),  # noqa: S311
        ("worker killed", lambda: kill(random.choice(workers))),  # noqa: S311
        ("all workers killed", lambda: _each(kill, workers)),
        ("broker connections cut", outage.cut),
        ("broker away", go_away),
    ]
    happened: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    upcoming = kinds.copy()  # each at least once, if there is time
    while loop.time() < end:
        await asyncio.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311
        name, strike = upcoming.pop(random.randrange(len(upcoming)))  # noqa: S311
        upcoming = upcoming or kinds.copy()
        tell(name)
        happened[name] += 1
        await strike()
    return happened


async def _each(strike: Callable[[Process], Awaitable[None]], processes: Sequence[Process]) -> None:
    for process in processes:
        await strike(process)
