"""What a relay remembers of refused events."""

import asyncio

import pytest

from {{ cookiecutter.package_name }}.infrastructure.messaging import refusals
from {{ cookiecutter.package_name }}.infrastructure.messaging.backoff import Backoff
from {{ cookiecutter.package_name }}.infrastructure.messaging.refusals import MOST, Refusals

LONG = Backoff(first=60, longest=60)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds, as the one item of a list."""
    now = [1_000.0]
    monkeypatch.setattr(refusals, "monotonic", lambda: now[0])
    return now


def test_all_are_tried_again_at_the_same_time(clock: list[float]) -> None:
    refused = Refusals(LONG)
    refused.add({"a"})
    clock[0] += 29
    refused.add({"b"})
    assert set(refused.keys()) == {"a", "b"}
    clock[0] += 31
    assert not refused.keys()


def test_the_pause_grows_as_long_as_the_same_ones_are_refused(clock: list[float]) -> None:
    refused = Refusals(Backoff(first=1, longest=100))
    for full in (1, 2, 4, 8):
        refused.add({"a"})
        clock[0] += full / 2 - 0.01
        assert refused.keys()
        clock[0] += full
        assert not refused.keys()
    refused.add({"b"})
    clock[0] += 1
    assert not refused.keys()


def test_only_what_was_not_refused_the_last_time_is_surprising(clock: list[float]) -> None:
    refused = Refusals(LONG)
    assert not refused.add(set())
    assert refused.add({"a", "b"})
    clock[0] += 60
    refused.keys()
    assert not refused.add({"a"})
    assert refused.add({"b", "c"})


def test_no_more_are_remembered_than_a_statement_may_name() -> None:
    refused = Refusals(LONG)
    for number in range(3):
        refused.add({f"{number}/{each}" for each in range(MOST // 2 + 1)})
    assert len(refused.keys()) == MOST


async def test_waits_until_they_may_be_tried_again_but_for_nothing_if_there_are_none() -> None:
    refused = Refusals(Backoff(first=0.01, longest=0.01))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await refused.over()
    refused.add({"a"})
    await refused.over()
    assert not refused.keys()
