"""A listener reconnects after every error, with growing pauses where that does not last."""

import asyncio

import pytest

from chassis.database.postgresql import DatabaseSettings, PostgresDatabase
from chassis.errors import Unavailable
from chassis.messaging.storage.postgresql import listener
from chassis.testing.brokers import eventually
from chassis.testing.failures import RecordingBackoff


@pytest.mark.parametrize(
    ("stable_seconds", "failures"),
    [(3600, [1, 2, 3]), (-1, [1, 1, 1])],
    ids=["soon", "after a stable time"],
)
@pytest.mark.parametrize(
    "error",
    [Unavailable("database", "cannot be reached"), RuntimeError("a mistake in the driver")],
    ids=["expected", "unexpected"],
)
async def test_listens_again_after_every_error_and_pauses_grow_only_if_errors_follow_soon(
    error: Exception, stable_seconds: float, failures: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    backoff = RecordingBackoff()
    monkeypatch.setattr(listener, "BACKOFF", backoff)
    monkeypatch.setattr(listener, "STABLE_SECONDS", stable_seconds)

    async def listen(*_: object) -> None:
        if len(backoff.failures) < 3:
            raise error
        await asyncio.Event().wait()

    monkeypatch.setattr(listener, "_listen", listen)
    async with listener.listening(PostgresDatabase(DatabaseSettings(), "test")):
        await eventually(lambda: len(backoff.failures) == 3)
    assert backoff.failures == failures


async def test_a_listener_leaves_a_server_that_accepts_no_changes(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A primary that was demoted may keep its connections: messages are enqueued, and announced, elsewhere."""
    backoff = RecordingBackoff()
    monkeypatch.setattr(listener, "BACKOFF", backoff)
    monkeypatch.setattr(listener, "PROBE_SECONDS", 0.05)
    options = database.direct_options()
    options["server_settings"]["default_transaction_read_only"] = "on"
    monkeypatch.setattr(database, "direct_options", lambda: options)
    async with listener.listening(database):
        await eventually(lambda: len(backoff.failures) == 2)
