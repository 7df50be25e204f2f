"""What every database adapter has to do, written once and run over each of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from {{ cookiecutter.package_name }}.domain.errors import KeyInUse, KeyReused, NotFound, VersionConflict
from {{ cookiecutter.package_name }}.domain.idempotency import IdempotencyKey
from {{ cookiecutter.package_name }}.domain.model import {{ cookiecutter.__Entity }}
from {{ cookiecutter.package_name }}.domain.values import Quantity, Reference, Status
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database
from {{ cookiecutter.package_name }}.infrastructure.identity import new_id

from .histories import run_histories

NOW = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
KEY = IdempotencyKey("key-1", b"digest of the request")


def new(id: UUID | None = None, reference: str = "A-1001") -> {{ cookiecutter.__Entity }}:
    """A new aggregate, not stored."""
    return {{ cookiecutter.__Entity }}.create(
        id or new_id(),
        Reference(reference),
        Quantity(3),
        NOW,
    )


async def store(database: Database, *aggregates: {{ cookiecutter.__Entity }}) -> None:
    """Store new aggregates in one transaction."""
    async with database.begin() as work:
        for each in aggregates:
            await work.{{ cookiecutter.__entities }}.add(each)


class PersistenceContract:
    """The fixtures `database` (opened) and `closed_database` (not yet) give an empty one; each test has its own."""

    async def test_finds_what_was_stored_as_it_was(self, database: Database) -> None:
        stored = new(reference='Größe "42" \N{SNOWMAN} \\')
        await store(database, stored)
        assert await database.find(stored.id) == stored

    async def test_says_so_when_there_is_nothing(self, database: Database) -> None:
        with pytest.raises(NotFound):
            await database.find(uuid4())
        with pytest.raises(NotFound):
            async with database.begin() as work:
                await work.{{ cookiecutter.__entities }}.get(uuid4())

    async def test_stores_changes_with_their_version(self, database: Database) -> None:
        stored = new()
        await store(database, stored)
        async with database.begin() as work:
            changed = await work.{{ cookiecutter.__entities }}.get(stored.id)
            changed.amend(Reference("B-2"), Quantity(1_000_000), NOW + timedelta(seconds=1))
            changed.confirm(NOW + timedelta(seconds=2))
            await work.{{ cookiecutter.__entities }}.save(changed)
        found = await database.find(stored.id)
        assert found == changed
        assert (found.version, found.status, found.updated_at) == (3, Status.CONFIRMED, NOW + timedelta(seconds=2))

    async def test_a_change_that_changes_nothing_is_no_conflict(self, database: Database) -> None:
        stored = new()
        await store(database, stored)
        async with database.begin() as work:
            same = await work.{{ cookiecutter.__entities }}.get(stored.id)
            same.amend(stored.reference, stored.quantity, NOW + timedelta(seconds=1))
            await work.{{ cookiecutter.__entities }}.save(same)
        assert await database.find(stored.id) == stored

    async def test_hands_over_the_events_of_what_it_stored(self, database: Database) -> None:
        async with database.begin() as work:
            stored = new()
            await work.{{ cookiecutter.__entities }}.add(stored)
            stored.cancel(NOW)
            await work.{{ cookiecutter.__entities }}.save(stored)
        assert [(event.id, event.action, event.version) for event in work.events] == [
            (stored.id, "created", 1),
            (stored.id, "cancelled", 2),
        ]

    async def test_leaves_nothing_of_a_transaction_that_failed(self, database: Database) -> None:
        stored, lost = new(), new()
        await store(database, stored)
        with pytest.raises(RuntimeError):
            async with database.begin() as work:
                await work.answers.claim(KEY)
                changed = await work.{{ cookiecutter.__entities }}.get(stored.id)
                changed.confirm(NOW)
                await work.{{ cookiecutter.__entities }}.save(changed)
                await work.{{ cookiecutter.__entities }}.add(lost)
                await work.answers.keep(KEY, b"answer", NOW)
                raise RuntimeError
        assert (await database.find(stored.id)).version == 1
        with pytest.raises(NotFound):
            await database.find(lost.id)
        async with database.begin() as work:
            assert await work.answers.claim(KEY) is None

    async def test_refuses_a_change_to_what_has_changed_since(self, database: Database) -> None:
        stored = new()
        await store(database, stored)
        mine, theirs = await database.find(stored.id), await database.find(stored.id)
        theirs.confirm(NOW)
        async with database.begin() as work:
            await work.{{ cookiecutter.__entities }}.save(theirs)
        mine.cancel(NOW)
        with pytest.raises(VersionConflict) as conflict:
            async with database.begin() as work:
                await work.{{ cookiecutter.__entities }}.save(mine)
        assert conflict.value.version == 2
        assert await database.find(stored.id) == theirs

    async def test_loses_no_update_of_many_writers(self, database: Database) -> None:
        stored = new()
        await store(database, stored)

        async def write(number: int) -> None:
            async with database.begin() as work:
                mine = await work.{{ cookiecutter.__entities }}.get(stored.id)
                mine.amend(None, Quantity(100 + number), NOW)
                await work.{{ cookiecutter.__entities }}.save(mine)

        await asyncio.gather(*map(write, range(50)))
        assert (await database.find(stored.id)).version == 51

    async def test_pages_through_everything_once_newest_first(self, database: Database) -> None:
        ids = [new_id() for _ in range(7)]
        await store(database, *map(new, ids))
        seen: list[UUID] = []
        page = await database.page(None, None, 3)
        while page.next is not None:
            seen += [each.id for each in page.items]
            await store(database, new())  # comes in before the first page and must not shift the next one
            page = await database.page(None, page.next, 3)
        seen += [each.id for each in page.items]
        assert seen == sorted(ids, reverse=True)

    async def test_the_last_page_may_be_full(self, database: Database) -> None:
        await store(database, new(), new())
        page = await database.page(None, None, 2)
        assert len(page.items) == 2
        assert page.next is None

    async def test_lists_by_status(self, database: Database) -> None:
        open_one, cancelled = new(), new()
        cancelled.cancel(NOW)
        await store(database, open_one, cancelled)
        assert [each.id for each in (await database.page(Status.CREATED, None, 10)).items] == [open_one.id]
        assert [each.id for each in (await database.page(Status.CANCELLED, None, 10)).items] == [cancelled.id]
        assert not (await database.page(Status.CONFIRMED, None, 10)).items

    async def test_gives_a_kept_answer_again(self, database: Database) -> None:
        async with database.begin() as work:
            assert await work.answers.claim(KEY) is None
            await work.answers.keep(KEY, b"the \0 answer", NOW)
        async with database.begin() as work:
            assert await work.answers.claim(KEY) == b"the \0 answer"

    async def test_refuses_a_key_that_stands_for_another_request(self, database: Database) -> None:
        async with database.begin() as work:
            await work.answers.claim(KEY)
            await work.answers.keep(KEY, b"answer", NOW)
        with pytest.raises(KeyReused):
            async with database.begin() as work:
                await work.answers.claim(IdempotencyKey(KEY.value, b"another digest"))

    async def test_does_not_let_a_twin_wait(self, database: Database) -> None:
        async with database.begin() as first:
            await first.answers.claim(KEY)
            with pytest.raises(KeyInUse):
                async with database.begin() as second:
                    await second.answers.claim(KEY)
            await first.answers.keep(KEY, b"answer", NOW)
        async with database.begin() as third:
            assert await third.answers.claim(KEY) == b"answer"

    async def test_forgets_old_answers_only(self, database: Database) -> None:
        young = IdempotencyKey("key-2", b"digest")
        async with database.begin() as work:
            await work.answers.claim(KEY)
            await work.answers.keep(KEY, b"old", NOW)
            await work.answers.claim(young)
            await work.answers.keep(young, b"young", NOW + timedelta(hours=2))
        assert await database.forget_answers(NOW + timedelta(hours=1)) == 1
        async with database.begin() as work:
            assert await work.answers.claim(KEY) is None
            assert await work.answers.claim(young) == b"young"

    def test_keeps_its_promises_whatever_happens_in_whatever_order(self, closed_database: Database) -> None:
        run_histories(closed_database)

    async def test_is_healthy(self, database: Database) -> None:
        await database.check()
        assert database.usage().in_use == 0
