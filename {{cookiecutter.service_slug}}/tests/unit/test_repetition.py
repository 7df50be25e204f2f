"""The same warning is not written a thousand times, and none is lost without a word."""

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from {{ cookiecutter.package_name }}.infrastructure.telemetry import repetition
from {{ cookiecutter.package_name }}.infrastructure.telemetry.logging import configure_logging
from {{ cookiecutter.package_name }}.infrastructure.telemetry.repetition import (
    BURST,
    MOST_KINDS,
    WINDOW_SECONDS,
    Kind,
    RepeatLimit,
)

from .test_request_pass import quiet_again  # noqa: F401 - the output that is logged to here is closed

Lines = Callable[[], list[dict[str, Any]]]


class Clock:
    """Time as a test wants it."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """At a time."""
    return Clock()


@pytest.fixture
def lines(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Lines:
    """Log as in production from here on; gives the lines since the last time."""
    stream = io.StringIO()
    monkeypatch.setattr(repetition.RepeatLimit.__init__, "__defaults__", (clock,))
    configure_logging("info", "json", stream)

    def read() -> list[dict[str, Any]]:
        text = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        return [json.loads(line) for line in text.splitlines()]

    return read


def fail(times: int, error: type[Exception] = ConnectionError) -> None:
    """Log an exception."""
    for _ in range(times):
        try:
            raise error
        except error:
            structlog.stdlib.get_logger("some").exception("failed", attempt=1)


def test_a_burst_is_told_and_what_follows_is_counted(lines: Lines, clock: Clock) -> None:
    fail(1_000)
    assert len(lines()) == BURST
    clock.now += WINDOW_SECONDS
    fail(1)
    [line] = lines()
    assert (line["event"], line["left_out"], line["attempt"]) == ("failed", 1_000 - BURST, 1)
    fail(1)
    assert "left_out" not in lines()[0]


def test_whoever_writes_next_tells_what_was_left_out_without_making_it_its_own(lines: Lines, clock: Clock) -> None:
    fail(BURST + 5)
    lines()
    log = structlog.stdlib.get_logger("access")
    log.info("request")
    assert [line["event"] for line in lines()] == ["request"]
    clock.now += WINDOW_SECONDS
    with structlog.contextvars.bound_contextvars(correlation_id="of-another"):
        log.info("request")
        log.info("request")
    left_out, *requests = lines()
    assert [line["event"] for line in requests] == ["request"] * 2
    del left_out["timestamp"]
    assert left_out == {
        **{"event": "lines left out", "of": "failed (ConnectionError)", "left_out": 5},
        **{"level": "error", "logger": "some"},
    }


def test_the_end_tells_what_nobody_has_told(lines: Lines) -> None:
    fail(BURST + 5)
    lines()
    logging.getLogger().handlers[0].close()
    assert [line["left_out"] for line in lines()] == [5]


def test_what_differs_is_told_apart(lines: Lines) -> None:
    for number in range(2 * BURST):
        fail(1)
        fail(1, KeyError)
        structlog.stdlib.get_logger("some").warning("failed", number=number)
        structlog.stdlib.get_logger("other").warning("failed")
        logging.getLogger("library").warning("failed %s", number)
    assert len(lines()) == 5 * BURST


def test_what_is_no_warning_is_always_told(lines: Lines) -> None:
    for _ in range(5 * BURST):
        structlog.stdlib.get_logger("access").info("request")
    assert len(lines()) == 5 * BURST


def test_a_text_that_is_always_another_does_not_fill_the_memory(clock: Clock) -> None:
    limit = RepeatLimit(clock)

    def kind(number: int) -> Kind:
        return Kind("library", logging.ERROR, f"failed at {number}", None)

    told = [number for number in range(10 * MOST_KINDS) if limit.admit(kind(number)) is not None]
    assert len(told) == MOST_KINDS + BURST
    assert len(limit._windows) == MOST_KINDS + 1
    clock.now += WINDOW_SECONDS
    assert [count for _, count in limit.ended()] == [10 * MOST_KINDS - len(told)]
    assert limit.admit(kind(-1)) == 0
    assert len(limit._windows) < 10
    assert list(limit.ended(all_of_them=True)) == []


def test_what_was_left_out_is_not_forgotten_when_there_is_no_more_room(clock: Clock) -> None:
    limit = RepeatLimit(clock)
    for _ in range(BURST + 3):
        limit.admit(Kind("some", logging.ERROR, "failed", None))
    for number in range(MOST_KINDS):
        limit.admit(Kind("library", logging.ERROR, f"failed at {number}", None))
    clock.now += WINDOW_SECONDS
    assert limit.admit(Kind("another", logging.ERROR, "failed", None)) == 0
    assert [(kind.logger, count) for kind, count in limit.ended()] == [("some", 3)]


def test_every_line_is_told_or_counted_once(lines: Lines, clock: Clock) -> None:
    seen = 0
    for number in range(2_000):
        fail(1)
        clock.now += 0.007 * (number % 11)
    logging.getLogger().handlers[0].close()
    for line in lines():
        seen += line.get("left_out", 0) + (line["event"] == "failed")
    assert seen == 2_000
