"""Random histories against a database and a plain model of it: both must know the same."""

import asyncio
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings as effort
from hypothesis import stateful
from hypothesis import strategies as st

from ..database.port import Database, IdempotencyKey
from ..domain import Aggregate, DomainError, InvalidTransition, NotFound, VersionConflict
from ..errors import KeyReused
from ..identity import new_id

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
Stored = Aggregate[Any]


class _Crash(Exception):
    """A failure in the middle of a transaction."""


class Histories(stateful.RuleBasedStateMachine):
    """Several clients that read, remember, and write later; the database is shared with earlier runs."""

    database: Database
    store: Any
    new: Callable[[], Stored]
    change: Callable[[Stored], None]
    runner: asyncio.Runner

    known = stateful.Bundle("known")
    seen = stateful.Bundle("seen")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[UUID, Stored] = {}
        self.responses: dict[str, tuple[bytes, bytes]] = {}
        self.prefix = new_id()  # earlier runs left their keys behind

    @stateful.rule(target=known, crash=st.booleans())
    def create(self, crash: bool) -> UUID:
        new = self.new()
        if self.runner.run(self._store("add", new, crash=crash)):
            self.model[new.id] = new
        return new.id

    @stateful.rule(target=seen, id=known)
    def read(self, id: UUID) -> Stored | None:
        """A client remembers what it saw, to write it later."""
        try:
            found: Stored = self.runner.run(self.store.find(id))
        except NotFound:
            assert id not in self.model
            return None
        return found

    @stateful.rule(remembered=seen, changes=st.integers(1, 3), crash=st.booleans())
    def write(self, remembered: Stored | None, changes: int, crash: bool) -> None:
        if remembered is None:
            return
        mine = deepcopy(remembered)
        try:
            for _ in range(changes):
                self.change(mine)
        except InvalidTransition:
            return
        if remembered.version != self.model[remembered.id].version:
            with pytest.raises(VersionConflict):
                self.runner.run(self._store("save", mine, crash=False))
        elif self.runner.run(self._store("save", mine, crash=crash)):
            self.model[mine.id] = mine

    @stateful.rule(key=st.sampled_from("abc"), fingerprint=st.sampled_from([b"1", b"2"]), crash=st.booleans())
    def claim(self, key: str, fingerprint: bytes, crash: bool) -> None:
        name = f"{self.prefix}-{key}"
        expected = self.responses.get(name)
        saved = self.runner.run(self._claim(IdempotencyKey(name, fingerprint), crash=crash))
        if expected is None:
            assert saved is None
            if not crash:
                self.responses[name] = (fingerprint, b"response")
        else:
            assert saved == (expected[1] if expected[0] == fingerprint else KeyReused)

    @stateful.invariant()
    def matches_the_model(self) -> None:
        assert {id: self.runner.run(self.store.find(id)) for id in self.model} == self.model

    async def _store(self, step: str, aggregate: Stored, *, crash: bool) -> bool:
        """Whether it was committed."""
        try:
            async with self.database.begin() as transaction:
                await getattr(self.store.within(transaction), step)(aggregate)
                if crash:
                    raise _Crash
        except _Crash:
            return False
        return True

    async def _claim(self, key: IdempotencyKey, *, crash: bool) -> bytes | type[DomainError] | None:
        try:
            async with self.database.begin() as transaction:
                saved = await transaction.idempotency.claim(key)
                if saved is None:
                    await transaction.idempotency.save_response(key, b"response", NOW)
                if crash:
                    raise _Crash
        except _Crash:
            return saved
        except KeyReused:
            return KeyReused
        return saved


def run_histories(database: Database, store: Any, new: Callable[[], Any], change: Callable[[Any], None]) -> None:
    """Run many short histories against one database, on an event loop of their own.

    Args:
        database: not opened yet, because connections belong to the loop that opened them.
        store: its adapter for one kind of aggregate.
        new: makes a new aggregate.
        change: changes an aggregate, or raises InvalidTransition.
    """
    with asyncio.Runner() as runner:
        given = {"new": staticmethod(new), "change": staticmethod(change)}
        runner.run(database.open())
        try:
            machine = type(
                "BoundHistories", (Histories,), {"database": database, "store": store, "runner": runner, **given}
            )
            stateful.run_state_machine_as_test(
                machine,
                settings=effort(max_examples=25, stateful_step_count=20, deadline=None, derandomize=True),
            )
        finally:
            runner.run(database.close())
