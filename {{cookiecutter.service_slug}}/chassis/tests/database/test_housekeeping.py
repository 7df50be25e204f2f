"""Expired rows are purged round after round, also after a failed one."""

import asyncio
from datetime import datetime, timedelta

import pytest

from chassis.database.housekeeping import purging
from chassis.errors import Unavailable
from chassis.identity import utc_now


@pytest.mark.parametrize(
    "error",
    [Unavailable("database", "cannot be reached"), RuntimeError("permission denied")],
    ids=["expected", "unexpected"],
)
async def test_a_failed_round_is_followed_by_others(error: Exception) -> None:
    rounds = 0
    again = asyncio.Event()

    async def purge(before: datetime) -> int:
        nonlocal rounds
        del before
        rounds += 1
        if rounds == 1:
            raise error
        again.set()
        return 1

    async with purging("responses", purge, timedelta(hours=1), utc_now, period_seconds=0), asyncio.timeout(5):
        await again.wait()
