"""Writers and relays whose transactions overlap in a given order: each step is one statement, and none waits."""

from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import psycopg
from hypothesis import strategies as st
from pydantic import SecretStr

from chassis.database.postgresql import DatabaseSettings, PostgresDatabase
from chassis.errors import Unavailable
from chassis.messaging.outbox.port import Batch
from chassis.messaging.storage.postgresql import PostgresOutbox
from chassis.testing.messaging import new_message

WRITERS, RELAYS, KEYS, LIMIT = 4, 3, 3, 5
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, WRITERS - 1), st.integers(0, KEYS - 1)),
        st.tuples(st.sampled_from(["commit", "roll back"]), st.integers(0, WRITERS - 1), st.just(0)),
        st.tuples(st.sampled_from(["claim", "release", "crash"]), st.integers(0, RELAYS - 1), st.just(0)),
        st.tuples(st.just("publish"), st.integers(0, RELAYS - 1), st.integers(1, LIMIT)),
    ),
    min_size=10,
    max_size=60,
)
Step = tuple[str, int, int]
INSERT = "INSERT INTO outbox (lane, id, type, key, body) VALUES (%s, %s, %s, %s, %s)"
PASSED = "SELECT id FROM outbox JOIN outbox_lanes USING (lane) WHERE position < low_watermark"
KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = %s
"""


class Writer:
    """A client with a transaction of its own.

    Attributes:
        committed: ids of its messages that were committed.
    """

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url)
        self._pending: list[str] = []
        self.committed: list[str] = []

    def write(self, key: int) -> None:
        """Insert a message, in the transaction that is open or a new one. The number of the key is its lane."""
        message = new_message(f"key-{key}")
        self._connection.execute(INSERT, [key, message.id, message.type, message.key, message.body])
        self._pending.append(message.id)

    def end(self, *, commit: bool) -> None:
        """End the transaction."""
        if commit:
            self._connection.commit()
            self.committed += self._pending
        else:
            self._connection.rollback()
        self._pending.clear()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class SteppedRelay:
    """A relay that claims, publishes and crashes when it is told.

    Attributes:
        published: ids of its messages, in order; those of a crash may come again.
    """

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self.published: list[str] = []
        self._settings = DatabaseSettings(url=SecretStr(url), pool_size=1)
        self._claim = AsyncExitStack()
        self._batch: Batch | None = None
        self._waiting: list[str] = []

    async def open(self) -> None:
        """Start, with nothing in memory."""
        self._database = PostgresDatabase(self._settings, self.name)
        await self._database.open()
        self._outbox = PostgresOutbox(self._database)

    async def claim(self) -> None:
        """Claim, unless it holds a claim."""
        if self._batch is None:
            self._batch = await self._claim.enter_async_context(self._outbox.claim(LIMIT))
            self._waiting = [each.message.id for each in self._batch.waiting]

    async def publish(self, count: int) -> None:
        """Publish and remove the next of its messages."""
        if self._batch is not None and self._waiting:
            next_ones, self._waiting = self._waiting[:count], self._waiting[count:]
            self.published += next_ones
            await self._batch.remove(next_ones)

    async def release(self) -> None:
        """End the claim."""
        self._batch = None
        await self._claim.aclose()

    async def crash(self, server: psycopg.Connection[tuple[object, ...]]) -> None:
        """Lose the connection in the middle of a claim, and all that is remembered; then start again."""
        server.execute(KILL, [self.name])
        with suppress(Unavailable):
            await self.release()
        await self.close()
        await self.open()

    async def close(self) -> None:
        """Stop."""
        with suppress(Unavailable):
            await self.release()
        await self._database.close()


@dataclass
class Interleaving:
    """A run of steps on a database."""

    url: str

    async def run(self, steps: Sequence[Step]) -> None:
        """Run the steps, then end every transaction and publish the rest. No committed message may be missing."""
        writers = [Writer(self.url) for _ in range(WRITERS)]
        relays = [SteppedRelay(self.url, f"relay-{number}") for number in range(RELAYS)]
        with psycopg.connect(self.url, autocommit=True) as server:
            for relay in relays:
                await relay.open()
            try:
                for step in steps:
                    await self._take(step, writers, relays, server)
                    assert server.execute(PASSED).fetchall() == []
                for number, writer in enumerate(writers):
                    writer.end(commit=bool(number % 2))
                for relay in relays:
                    await relay.release()
                await self._drain(relays[0])
            finally:
                for writer in writers:
                    writer.close()
                for relay in relays:
                    await relay.close()
        published = {id for relay in relays for id in relay.published}
        assert {id for writer in writers for id in writer.committed} == published

    async def _take(
        self,
        step: Step,
        writers: Sequence[Writer],
        relays: Sequence[SteppedRelay],
        server: psycopg.Connection[tuple[object, ...]],
    ) -> None:
        match step:
            case ("write", number, key):
                writers[number].write(key)
            case ("commit" | "roll back" as how, number, _):
                writers[number].end(commit=how == "commit")
            case ("claim", number, _):
                await relays[number].claim()
            case ("publish", number, count):
                await relays[number].publish(count)
            case ("release", number, _):
                await relays[number].release()
            case ("crash", number, _):
                await relays[number].crash(server)

    async def _drain(self, relay: SteppedRelay) -> None:
        before = -1
        while before != len(relay.published):
            before = len(relay.published)
            await relay.claim()
            await relay.publish(LIMIT)
            await relay.release()
