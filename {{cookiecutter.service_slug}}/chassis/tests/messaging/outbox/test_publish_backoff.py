"""Which keys a relay skips after refusals, and for how long."""

import asyncio

import pytest

from chassis.background import Backoff
from chassis.messaging.outbox import publish_backoff
from chassis.messaging.outbox.publish_backoff import MAX_KEYS, PublishBackoff

LONG = Backoff(first=60, longest=60)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds, as the one item of a list."""
    now = [1_000.0]
    monkeypatch.setattr(publish_backoff, "monotonic", lambda: now[0])
    return now


def test_all_keys_are_retried_at_the_same_time(clock: list[float]) -> None:
    refused = PublishBackoff(LONG)
    refused.add({"a"})
    clock[0] += 29
    refused.add({"b"})
    assert refused.keys() == {"a", "b"}
    clock[0] += 31
    assert not refused.keys()


def test_the_pause_grows_while_the_same_keys_are_refused(clock: list[float]) -> None:
    refused = PublishBackoff(Backoff(first=1, longest=100))
    for full in (1, 2, 4, 8):
        refused.add({"a"})
        clock[0] += full / 2 - 0.01
        assert refused.keys()
        clock[0] += full
        assert not refused.keys()
    refused.add({"b"})
    clock[0] += 1
    assert not refused.keys()


def test_reports_whether_a_key_was_not_refused_the_last_time(clock: list[float]) -> None:
    refused = PublishBackoff(LONG)
    assert not refused.add(set())
    assert refused.add({"a", "b"})
    clock[0] += 60
    refused.keys()
    assert not refused.add({"a"})
    assert refused.add({"b", "c"})


def test_the_number_of_keys_is_limited_because_a_statement_names_them() -> None:
    refused = PublishBackoff(LONG)
    for number in range(3):
        refused.add({f"{number}/{each}" for each in range(MAX_KEYS // 2 + 1)})
    assert len(refused.keys()) == MAX_KEYS


async def test_waits_until_the_keys_may_be_retried_and_forever_without_any() -> None:
    refused = PublishBackoff(Backoff(first=0.01, longest=0.01))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await refused.wait()
    refused.add({"a"})
    await refused.wait()
    assert not refused.keys()
