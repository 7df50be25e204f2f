"""Repeated warnings are limited, and each suppressed one is counted."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from chassis.telemetry.log_rate_limit import BURST, MAX_KINDS, WINDOW_SECONDS, Kind, LogRateLimit
from tests.support.logs import log_output

Lines = Callable[[], list[dict[str, Any]]]


class Clock:
    """Time as a test sets it."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def lines(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Log as in production from here on; returns the lines since the last call."""
    monkeypatch.setattr(LogRateLimit.__init__, "__defaults__", (clock,))
    with log_output() as stream:

        def read() -> list[dict[str, Any]]:
            text = stream.getvalue()
            stream.seek(0)
            stream.truncate()
            return [json.loads(line) for line in text.splitlines()]

        yield read


def fields_of(line: dict[str, Any], *names: str) -> dict[str, Any]:
    """Some fields of a line."""
    return {name: line[name] for name in names}


def fail(times: int, error: type[Exception] = ConnectionError) -> None:
    """Log an exception."""
    for _ in range(times):
        try:
            raise error
        except error:
            structlog.stdlib.get_logger("some").exception("failed", attempt=1)


def test_a_burst_is_written_and_further_lines_are_counted(lines: Lines, clock: Clock) -> None:
    fail(1_000)
    assert len(lines()) == BURST
    clock.now += WINDOW_SECONDS
    fail(1)
    [line] = lines()
    assert (line["event"], line["suppressed"], line["attempt"]) == ("failed", 1_000 - BURST, 1)
    fail(1)
    assert "suppressed" not in lines()[0]


def test_the_next_line_of_any_kind_reports_the_count_outside_of_its_own_context(lines: Lines, clock: Clock) -> None:
    fail(BURST + 5)
    lines()
    log = structlog.stdlib.get_logger("access")
    log.info("request")
    assert [line["event"] for line in lines()] == ["request"]
    clock.now += WINDOW_SECONDS
    with structlog.contextvars.bound_contextvars(correlation_id="of-another"):
        log.info("request")
        log.info("request")
    suppressed, *requests = lines()
    assert [line["event"] for line in requests] == ["request"] * 2
    assert suppressed == {
        **fields_of(suppressed, "timestamp", "service", "version", "environment"),
        **{"event": "log lines suppressed", "of": "failed (ConnectionError)", "suppressed": 5},
        **{"level": "error", "logger": "some"},
    }


def test_the_end_reports_the_remaining_counts(lines: Lines) -> None:
    fail(BURST + 5)
    lines()
    logging.getLogger().handlers[0].close()
    assert [line["suppressed"] for line in lines()] == [5]


def test_different_lines_are_limited_separately(lines: Lines) -> None:
    for number in range(2 * BURST):
        fail(1)
        fail(1, KeyError)
        structlog.stdlib.get_logger("some").warning("failed", number=number)
        structlog.stdlib.get_logger("other").warning("failed")
        logging.getLogger("library").warning("failed %s", number)
    assert len(lines()) == 5 * BURST


def test_lines_below_warning_are_not_limited(lines: Lines) -> None:
    for _ in range(5 * BURST):
        structlog.stdlib.get_logger("access").info("request")
    assert len(lines()) == 5 * BURST


def test_ever_changing_texts_do_not_fill_the_memory(clock: Clock) -> None:
    limit = LogRateLimit(clock)

    def kind(number: int) -> Kind:
        return Kind("library", logging.ERROR, f"failed at {number}", None)

    written = [number for number in range(10 * MAX_KINDS) if limit.admit(kind(number)) is not None]
    assert len(written) == MAX_KINDS + BURST
    assert len(limit._windows) == MAX_KINDS + 1
    clock.now += WINDOW_SECONDS
    assert [count for _, count in limit.ended()] == [10 * MAX_KINDS - len(written)]
    assert limit.admit(kind(-1)) == 0
    assert len(limit._windows) < 10
    assert list(limit.ended(all_of_them=True)) == []


def test_no_count_is_dropped_when_there_is_no_room_for_more_kinds(clock: Clock) -> None:
    limit = LogRateLimit(clock)
    for _ in range(BURST + 3):
        limit.admit(Kind("some", logging.ERROR, "failed", None))
    for number in range(MAX_KINDS):
        limit.admit(Kind("library", logging.ERROR, f"failed at {number}", None))
    clock.now += WINDOW_SECONDS
    assert limit.admit(Kind("another", logging.ERROR, "failed", None)) == 0
    assert [(kind.logger, count) for kind, count in limit.ended()] == [("some", 3)]


def test_every_line_is_written_or_counted_once(lines: Lines, clock: Clock) -> None:
    seen = 0
    for number in range(2_000):
        fail(1)
        clock.now += 0.007 * (number % 11)
    logging.getLogger().handlers[0].close()
    for line in lines():
        seen += line.get("suppressed", 0) + (line["event"] == "failed")
    assert seen == 2_000
