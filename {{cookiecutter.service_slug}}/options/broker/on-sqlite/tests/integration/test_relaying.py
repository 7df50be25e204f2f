"""Two processes on one file: both write, one of them publishes, and when that one dies the other goes on."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from {{ cookiecutter.package_name }}.infrastructure.database.messages import create_message_store
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database
from {{ cookiecutter.package_name }}.infrastructure.messaging.store import MessageStore

from ..deliveries import PATIENCE_SECONDS
from ..outboxes import letter, messages_of
from ..relays import number_of

COUNT = 200
NEIGHBOUR = """
import asyncio, sys
from {{ cookiecutter.package_name }}.infrastructure.database import select_database
from {{ cookiecutter.package_name }}.infrastructure.database.messages import create_message_store
from tests.integration.conftest import settings_of
from tests.outboxes import letter

async def main():
    database = select_database(settings_of(sys.argv[1]))
    messages = create_message_store(database)
    await {action}(database, messages)
    await database.close()

async def write(database, messages):
    for number in range({count}):
        async with database.begin() as work:
            await messages.within(work).enqueue([letter("neighbour", number)])

async def hold(database, messages):
    async with messages.take(10):
        print("holds", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def messages(database: Database) -> MessageStore:
    """This process."""
    return create_message_store(database)


@asynccontextmanager
async def neighbour(action: str, database_url: str) -> AsyncIterator[Process]:
    """Another process on the same file, gone when the block ends."""
    script = NEIGHBOUR.format(action=action, count=COUNT)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, database_url, stdout=PIPE)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_one_process_writes_while_another_one_writes_and_publishes(
    database: Database, messages: MessageStore, database_url: str
) -> None:
    published: dict[str, list[int]] = {"here": [], "neighbour": []}

    async def write() -> None:
        for number in range(COUNT):
            async with database.begin() as work:
                await messages.within(work).enqueue([letter("here", number)])

    async with neighbour("write", database_url):
        writing = asyncio.create_task(write())
        while min(map(len, published.values())) < COUNT:
            async with messages.take(10) as batch:
                for message in messages_of(batch.waiting):
                    published[message.key].append(number_of(message))
                await batch.remove({each.message.id for each in batch.waiting})
        await writing
    assert published == {"here": list(range(COUNT)), "neighbour": list(range(COUNT))}


async def test_what_a_process_holds_is_free_when_it_is_killed(
    database: Database, messages: MessageStore, database_url: str
) -> None:
    async with database.begin() as work:
        await messages.within(work).enqueue([added := letter()])
    async with neighbour("hold", database_url) as process:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"holds\n"
        async with messages.take(10) as batch:
            assert batch.waiting == []
        async with database.begin() as work:  # a relay that publishes keeps nobody from writing
            await messages.within(work).enqueue([letter(number=1)])
        process.send_signal(signal.SIGKILL)
        await process.wait()
        async with messages.take(1) as batch:
            assert messages_of(batch.waiting) == [added]
