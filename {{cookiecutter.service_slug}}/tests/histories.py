"""Random histories against a database and a plain model of it: what one knows, the other must know."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import settings as effort
from hypothesis import stateful
from hypothesis import strategies as st

from {{ cookiecutter.package_name }}.domain.errors import (
    DomainError,
    InvalidTransition,
    KeyReused,
    NotFound,
    VersionConflict,
)
from {{ cookiecutter.package_name }}.domain.idempotency import IdempotencyKey
from {{ cookiecutter.package_name }}.domain.model import {{ cookiecutter.__Entity }}
from {{ cookiecutter.package_name }}.domain.values import Quantity, Reference
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database
from {{ cookiecutter.package_name }}.infrastructure.identity import new_id

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
STEPS = ("amend", "confirm", "cancel")
LIMIT = 1_000  # rows on a page: more than one run stores


class _Crash(Exception):
    """Somebody's code fails in the middle of a transaction."""


class Histories(stateful.RuleBasedStateMachine):
    """Several clients that read, remember, and write later; the database is shared with earlier runs."""

    database: Database
    runner: asyncio.Runner

    known = stateful.Bundle("known")
    seen = stateful.Bundle("seen")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[UUID, {{ cookiecutter.__Entity }}] = {}
        self.answers: dict[str, tuple[bytes, bytes]] = {}
        self.prefix = new_id()  # earlier runs left their keys behind

    @stateful.rule(target=known, quantity=st.integers(1, 1_000_000), crash=st.booleans())
    def create(self, quantity: int, crash: bool) -> UUID:
        new = {{ cookiecutter.__Entity }}.create(
            new_id(),
            Reference("A-1001"),
            Quantity(quantity),
            NOW,
        )
        if not self.runner.run(self._add(new, crash=crash)):
            self.model[new.id] = new
        return new.id

    @stateful.rule(target=seen, id=known)
    def read(self, id: UUID) -> {{ cookiecutter.__Entity }} | None:
        """A client remembers what it saw, to write it later."""
        try:
            return self.runner.run(self.database.find(id))
        except NotFound:
            assert id not in self.model
            return None

    @stateful.rule(
        remembered=seen,
        step=st.sampled_from(STEPS),
        quantity=st.integers(1, 1_000_000),
        crash=st.booleans(),
    )
    def write(self, remembered: {{ cookiecutter.__Entity }} | None, step: str, quantity: int, crash: bool) -> None:
        if remembered is None:
            return
        current = self.model[remembered.id]
        mine = self.runner.run(self.database.find(remembered.id))
        if remembered.version != current.version:
            with pytest.raises(VersionConflict):
                mine.require_version({remembered.version})
            return
        try:
            getattr(mine, step)(*((None, Quantity(quantity), NOW) if step == "amend" else (NOW,)))
        except InvalidTransition:
            return
        if not self.runner.run(self._save(mine, crash=crash)):
            self.model[mine.id] = mine

    @stateful.rule(key=st.sampled_from("abc"), fingerprint=st.sampled_from([b"1", b"2"]), crash=st.booleans())
    def claim(self, key: str, fingerprint: bytes, crash: bool) -> None:
        name = f"{self.prefix}-{key}"
        expected = self.answers.get(name)
        given = self.runner.run(self._claim(IdempotencyKey(name, fingerprint), crash=crash))
        if expected is None:
            assert given is None
            if not crash:
                self.answers[name] = (fingerprint, b"answer")
        else:
            assert given == (expected[1] if expected[0] == fingerprint else KeyReused)

    @stateful.invariant()
    def knows_what_the_model_knows(self) -> None:
        page = self.runner.run(self.database.page(None, None, LIMIT))
        stored = {each.id: each for each in page.items}
        assert {id: stored.get(id) for id in self.model} == self.model

    async def _add(self, new: {{ cookiecutter.__Entity }}, *, crash: bool) -> bool:
        try:
            async with self.database.begin() as work:
                await work.{{ cookiecutter.__entities }}.add(new)
                if crash:
                    raise _Crash
        except _Crash:
            return True
        return False

    async def _save(self, changed: {{ cookiecutter.__Entity }}, *, crash: bool) -> bool:
        try:
            async with self.database.begin() as work:
                await work.{{ cookiecutter.__entities }}.save(changed)
                if crash:
                    raise _Crash
        except _Crash:
            return True
        return False

    async def _claim(self, key: IdempotencyKey, *, crash: bool) -> bytes | type[DomainError] | None:
        try:
            async with self.database.begin() as work:
                earlier = await work.answers.claim(key)
                if earlier is None:
                    await work.answers.keep(key, b"answer", NOW)
                if crash:
                    raise _Crash
        except _Crash:
            return earlier
        except KeyReused:
            return KeyReused
        return earlier


def run_histories(database: Database) -> None:
    """Run many short histories against one database, on an event loop of their own.

    Args:
        database: not opened yet, because connections belong to the loop that opened them.
    """
    with asyncio.Runner() as runner:
        runner.run(database.open())
        try:
            machine = type("BoundHistories", (Histories,), {"database": database, "runner": runner})
            stateful.run_state_machine_as_test(
                machine,
                settings=effort(max_examples=25, stateful_step_count=20, deadline=None, derandomize=True),
            )
        finally:
            runner.run(database.close())
