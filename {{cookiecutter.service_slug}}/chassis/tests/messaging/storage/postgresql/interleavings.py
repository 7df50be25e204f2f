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

WRITERS, RELAYS, KEYS, LIMIT = 3, 2, 2, 5
writers, relays, keys, nothing = (st.integers(0, count - 1) for count in (WRITERS, RELAYS, KEYS, 1))
# Writing and publishing at once are as frequent as the rest together: only progress makes the rest interesting.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write and commit"), writers, keys),
        st.tuples(st.just("publish all"), relays, nothing),
        st.tuples(st.just("write"), writers, keys),
        st.tuples(st.sampled_from(["write", "commit", "roll back"]), writers, keys),
        st.tuples(st.sampled_from(["claim", "publish", "release", "crash"]), relays, nothing),
    ),
    min_size=40,
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

    def take(self, step: str, key: int) -> None:
        """Insert a message, in the transaction that is open or a new one, or end it, or both."""
        if step.startswith("write"):
            self._write(key)
        if step != "write":
            self.end(commit="commit" in step)

    def _write(self, key: int) -> None:
        """The number of the key is its lane."""
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

    async def take(self, step: str) -> None:
        """One step, or all of a claim."""
        if step in ("claim", "publish all"):
            await self._claim_once()
        if step in ("publish", "publish all"):
            await self._publish(1 if step == "publish" else LIMIT)
        if step in ("release", "publish all"):
            await self.release()

    async def _claim_once(self) -> None:
        """Claim, unless it holds a claim."""
        if self._batch is None:
            self._batch = await self._claim.enter_async_context(self._outbox.claim(LIMIT))
            self._waiting = [each.message.id for each in self._batch.waiting]

    async def _publish(self, count: int) -> None:
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
                await _drain(relays[0])
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
        what, number, key = step
        match what:
            case "crash":
                await relays[number].crash(server)
            case "claim" | "publish" | "release" | "publish all":
                await relays[number].take(what)
            case _:
                writers[number].take(what, key)


async def _drain(relay: SteppedRelay) -> None:
    before = -1
    while before != len(relay.published):
        before = len(relay.published)
        await relay.take("publish all")
