"""What is old is forgotten round after round, whatever happens in one of them."""

import asyncio
from datetime import datetime, timedelta

import pytest

from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.housekeeping import forgetting
from {{ cookiecutter.package_name }}.infrastructure.identity import utc_now


@pytest.mark.parametrize(
    "error",
    [Unavailable("database", "cannot be reached"), RuntimeError("permission denied")],
    ids=["foreseen", "unforeseen"],
)
async def test_a_round_that_fails_is_followed_by_others(error: Exception) -> None:
    rounds = 0
    again = asyncio.Event()

    async def forget(before: datetime) -> int:
        nonlocal rounds
        del before
        rounds += 1
        if rounds == 1:
            raise error
        again.set()
        return 0

    async with forgetting("answers", forget, timedelta(hours=1), utc_now, period_seconds=0), asyncio.timeout(5):
        await again.wait()
