"""A service and its chassis each add revisions of their own while messages wait in the database."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, Text

from chassis.database.port import DatabaseTransaction, IdempotencyKey, SqlDatabase
from chassis.database.retries import Retries
from chassis.database.revisions import Branch, Revisions
from chassis.database.transactions import Transactions
from chassis.errors import Unavailable
from chassis.messaging.outbox.port import Outbox
from chassis.messaging.storage.port import MessageStorage
from chassis.testing.database import NOW
from chassis.testing.messaging.storage import AGGREGATE, messages_of, new_entry, new_messages
from chassis.testing.migrations import check_stairway
from tests.sample.domain.parcels import Parcel
from tests.support.migration_histories import Release, Storage, copied
from tests.support.parcels import new_parcel
from tests.support.tables import merged

OTHER_HEADS = {"0003", "chassis_database_0003"}
UNDER_WAY = IdempotencyKey("under way", b"digest")
CONSUMER = "billing.invoices"
SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """Messaging on one kind of database.

    Args:
        chassis: its migrations.
        storage: the messages of an opened database.
    """

    chassis: Branch
    storage: Callable[[SqlDatabase], MessageStorage]


class MessagingRelease(Release):
    """A release with messages; the one after it has revisions of the team's own and of both branches of the chassis."""

    def __init__(self, storage: Storage, messages: Messages, folder: Path, url: str) -> None:
        super().__init__(storage, folder, url)
        self.messages = messages
        self.messaging = copied(messages.chassis, folder / "messaging")
        self.branches.append(self.messaging)

    def head_of_messaging(self) -> str:
        """The newest revision of the branch of messaging."""
        [head] = Revisions([self.messaging.folder]).heads
        return head

    def add_everywhere(self) -> MetaData:
        """Add a column to each table; returns the service's own tables with theirs."""
        self.add(self.service, "0002", "0001", "parcels")
        self.add(self.service, "0003", "0002", "labels")
        self.add_to_chassis()
        for table in ("outbox", "inbox", "history"):
            before = self.head_of_messaging()
            revision = f"chassis_messaging_{int(before.rpartition('_')[2]) + 1:04}"
            self.add(self.messaging, revision, before, table)
        metadata = merged(self.storage.metadata)
        for table in ("parcels", "labels"):
            metadata.tables[table].append_column(Column("note", Text))
        return metadata


@dataclass(frozen=True, slots=True)
class Stored:
    """A parcel, the answer of an idempotency key, messages in outbox, inbox and history, written by one release."""

    database: SqlDatabase
    release: MessagingRelease
    parcel: Parcel = field(default_factory=new_parcel)

    @property
    def key(self) -> IdempotencyKey:
        """The key of the request."""
        return IdempotencyKey(str(self.parcel.id), b"digest")

    async def write(self) -> None:
        """Write all of it in one transaction."""
        storage = self.release.messages.storage(self.database)
        async with self.database.begin() as transaction:
            await transaction.idempotency.claim(self.key)
            await self.release.storage.parcels(self.database).within(transaction).add(self.parcel)
            await storage.outbox.enqueue(transaction, new_messages(6, keys=2))
            assert await storage.inbox.mark_processed(transaction, CONSUMER, str(self.parcel.id), NOW)
            await storage.history.append(transaction, new_entry(self.parcel.id, 1))
            await transaction.idempotency.save_response(self.key, b"response", NOW)

    async def verify(self, database: SqlDatabase) -> None:
        """All of it is still there; a database that was opened by any release reads it."""
        storage = self.release.messages.storage(database)
        assert await self.release.storage.parcels(database).find(self.parcel.id) == self.parcel
        assert [entry.version for entry in await storage.history.entries(AGGREGATE, self.parcel.id, 0, 10)] == [1]
        async with database.begin() as transaction:
            assert await storage.history.last_version(transaction, AGGREGATE, self.parcel.id) == 1
            assert not await storage.inbox.mark_processed(transaction, CONSUMER, str(self.parcel.id), NOW)
            assert await transaction.idempotency.claim(self.key) == b"response"


class MessagingHistoryConformance:
    """Fixtures: `sample`, `messages`, and `empty_database_url`."""

    @pytest.fixture
    def older(self, sample: Storage, messages: Messages, tmp_path: Path, empty_database_url: str) -> MessagingRelease:
        """The release that has migrated the database."""
        older = MessagingRelease(sample, messages, tmp_path / "older", empty_database_url)
        older.migrations().upgrade()
        return older

    @pytest.fixture
    def newer(self, older: MessagingRelease, tmp_path: Path) -> MessagingRelease:
        """The next release."""
        return MessagingRelease(older.storage, older.messages, tmp_path / "newer", older.url)

    async def test_nothing_is_lost_and_the_older_release_still_runs(
        self, older: MessagingRelease, newer: MessagingRelease
    ) -> None:
        metadata = newer.add_everywhere()
        async with older.opened() as database:
            stored = Stored(database, older)
            await stored.write()
            with pytest.raises(Unavailable, match="migrate"):
                await newer.ready()
            await _migrate_during_a_request(newer, database)
            await database.check()  # the older release, which has not been restarted
            await stored.verify(database)
            await _publish_some(older.messages.storage(database).outbox)
            await Stored(database, older).write()
        await older.ready()
        await newer.ready()
        assert newer.current() == {*OTHER_HEADS, newer.head_of_messaging()}
        newer.migrations(metadata).check()
        async with newer.opened() as database:
            await stored.verify(database)
            await Stored(database, newer).write()
            assert (await newer.messages.storage(database).outbox.backlog(100)).count == 2 + 6 + 6
            async with database.begin() as transaction:
                assert await transaction.idempotency.claim(UNDER_WAY) == b"response"

    def test_every_revision_upgrades_downgrades_and_upgrades_again(
        self, sample: Storage, messages: Messages, tmp_path: Path, empty_database_url: str
    ) -> None:
        release = MessagingRelease(sample, messages, tmp_path, empty_database_url)
        metadata = release.add_everywhere()
        check_stairway(release.migrations())
        assert release.current() == {*OTHER_HEADS, release.head_of_messaging()}
        release.migrations(metadata).check()


async def _migrate_during_a_request(newer: Release, database: SqlDatabase) -> None:
    """The request is under way when the migration begins, and is finished by the older release.

    The migration waits for it, runs beside it, or interrupts it (MySQL: a deadlock of both), and then it is retried.
    """
    migrations: list[asyncio.Task[None]] = []

    async def request(transaction: DatabaseTransaction) -> None:
        assert await transaction.idempotency.claim(UNDER_WAY) is None
        if not migrations:
            migrations.append(asyncio.create_task(asyncio.to_thread(newer.migrations().upgrade)))
            await asyncio.wait(migrations, timeout=SECONDS)
        await transaction.idempotency.save_response(UNDER_WAY, b"response", NOW)

    await Transactions(database, Retries()).run(request)
    await migrations[0]


async def _publish_some(outbox: Outbox) -> None:
    """Claim the six messages in the order of each key, and remove four."""
    async with outbox.claim(100) as batch:
        waiting = messages_of(batch.waiting)
        assert [message.id.rsplit("/", 1)[0] for message in waiting] == [
            f"key-{number % 2}/{number // 2}" for number in range(6)
        ]
        await batch.remove([message.id for message in waiting[:4]])
