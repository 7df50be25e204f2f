"""A relay listens again after every error, and not in a loop where that does not last."""

import asyncio

import pytest

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.database import arrivals
from {{ cookiecutter.package_name }}.infrastructure.database.postgresql import PostgresDatabase

from ..deliveries import until
from ..pauses import Pauses


@pytest.mark.parametrize(
    ("stable_seconds", "failures"),
    [(3600, [1, 2, 3]), (-1, [1, 1, 1])],
    ids=["soon", "after a stable time"],
)
@pytest.mark.parametrize(
    "error",
    [Unavailable("database", "cannot be reached"), RuntimeError("a mistake in the driver")],
    ids=["foreseen", "unforeseen"],
)
async def test_listens_again_after_every_error_and_pauses_longer_only_if_they_follow_soon(
    error: Exception, stable_seconds: float, failures: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = Pauses()
    monkeypatch.setattr(arrivals, "BACKOFF", pauses)
    monkeypatch.setattr(arrivals, "STABLE_SECONDS", stable_seconds)

    async def listen(*_: object) -> None:
        if len(pauses.failures) < 3:
            raise error
        await asyncio.Event().wait()

    monkeypatch.setattr(arrivals, "_listen", listen)
    async with arrivals.listening(PostgresDatabase(DatabaseSettings())):
        await until(lambda: len(pauses.failures) == 3)
    assert pauses.failures == failures
