"""Two processes on one file: both write, one of them publishes, and when it dies the other one takes over."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.database.sqlite import DatabaseSettings, SqliteDatabase
from chassis.messaging.storage.sqlite import SqliteMessageStorage
from chassis.testing.brokers import TIMEOUT_SECONDS
from chassis.testing.messaging import new_message
from chassis.testing.messaging.storage import enqueue, messages_of, number_of

COUNT = 200
NEIGHBOR = """
import asyncio, sys
from pydantic import SecretStr
from chassis.database.sqlite import DatabaseSettings, SqliteDatabase
from chassis.messaging.storage.sqlite import SqliteMessageStorage
from chassis.testing.messaging import new_message
from chassis.testing.messaging.storage import enqueue

async def main():
    database = SqliteDatabase(DatabaseSettings(url=SecretStr(sys.argv[1])), "neighbor")
    await {action}(database, SqliteMessageStorage(database).outbox)
    await database.close()

async def write(database, outbox):
    for number in range({count}):
        await enqueue(database, outbox, new_message("neighbor", number))

async def claim(database, outbox):
    async with outbox.claim(10):
        print("claimed", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@asynccontextmanager
async def neighbor(action: str, settings: DatabaseSettings) -> AsyncIterator[Process]:
    """Another process on the same file, killed at the end of the block."""
    script = NEIGHBOR.format(action=action, count=COUNT)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, settings.address, stdout=PIPE)
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_one_process_writes_while_another_one_writes_and_publishes(
    database: SqliteDatabase, storage: SqliteMessageStorage, database_settings: DatabaseSettings
) -> None:
    published: dict[str, list[int]] = {"here": [], "neighbor": []}

    async def write() -> None:
        for number in range(COUNT):
            await enqueue(database, storage.outbox, new_message("here", number))

    async with neighbor("write", database_settings):
        writing = asyncio.create_task(write())
        while min(map(len, published.values())) < COUNT:
            async with storage.outbox.claim(10) as batch:
                for message in messages_of(batch.waiting):
                    published[message.key].append(number_of(message))
                await batch.remove({each.message.id for each in batch.waiting})
        await writing
    assert published == {"here": list(range(COUNT)), "neighbor": list(range(COUNT))}


async def test_a_claim_ends_with_its_process(
    database: SqliteDatabase, storage: SqliteMessageStorage, database_settings: DatabaseSettings
) -> None:
    added = new_message()
    await enqueue(database, storage.outbox, added)
    async with neighbor("claim", database_settings) as process:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"claimed\n"
        async with storage.outbox.claim(10) as batch:
            assert batch.waiting == []
        await enqueue(database, storage.outbox, new_message(number=1))  # a relay keeps no other process from writing
        process.send_signal(signal.SIGKILL)
        await process.wait()
        async with storage.outbox.claim(1) as batch:
            assert messages_of(batch.waiting) == [added]
