"""When the answers of other statements replace a check."""

import pytest

from chassis.database import recent_answers
from chassis.database.port import PoolUsage
from chassis.database.recent_answers import ANSWER_SECONDS, CHECK_SECONDS, RecentAnswers

BUSY = PoolUsage(in_use=2, idle=0, limit=2)


class Clock:
    """Stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(recent_answers, "monotonic", clock)
    return clock


@pytest.mark.parametrize("usage", [PoolUsage(in_use=1, idle=1, limit=2), PoolUsage(in_use=1, idle=0, limit=2)])
def test_with_a_free_connection_the_database_is_asked(usage: PoolUsage) -> None:
    recent = RecentAnswers()
    recent.passed()
    recent.answered()
    assert recent.replace_a_check(BUSY)
    assert not recent.replace_a_check(usage)


def test_a_database_that_stops_answering_is_asked(clock: Clock) -> None:
    recent = RecentAnswers()
    recent.passed()
    recent.answered()
    clock.now = ANSWER_SECONDS
    assert not recent.replace_a_check(BUSY)
    recent.answered()
    assert recent.replace_a_check(BUSY)


def test_answers_replace_no_check_that_was_long_ago(clock: Clock) -> None:
    recent = RecentAnswers()
    recent.answered()
    assert not recent.replace_a_check(BUSY)
    recent.passed()
    clock.now = CHECK_SECONDS
    recent.answered()
    assert not recent.replace_a_check(BUSY)
