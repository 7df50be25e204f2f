"""What a log line holds, and what it never holds, wherever it comes from."""

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from chassis.telemetry.redaction import CUT
from chassis.telemetry.text import MARK
from tests.support.logs import log_output, parsed

SECRET = "sesame"  # noqa: S105 - to be looked for


@pytest.fixture
def output() -> Iterator[StringIO]:
    """The log, as JSON."""
    with log_output() as stream:
        yield stream


def only_line(output: StringIO) -> dict[str, Any]:
    """The one line of the log."""
    [line] = parsed(output)
    return line


def test_every_line_names_the_service_and_its_version(output: StringIO) -> None:
    structlog.stdlib.get_logger("own").info("event")
    logging.getLogger("library").info("event")
    for line in parsed(output):
        assert (line["service"], line["version"], line["environment"]) == ("warehouse", "1.2.3", "local")


def test_a_line_for_people_leaves_out_the_service() -> None:
    with log_output(format="console") as output:
        structlog.stdlib.get_logger("own").info("event", number=7)
    assert "number=7" in output.getvalue()
    assert "warehouse" not in output.getvalue()


def test_a_line_is_never_longer_than_container_runtimes_allow(output: StringIO) -> None:
    texts = {f"text_{number}": "\N{SNOWMAN}" * 1_000 for number in range(20)}
    structlog.stdlib.get_logger("own").info("large", small=7, values=[["x" * 1_000] * 9] * 9, **texts)
    assert len(output.getvalue().encode()) <= 16_384
    line = only_line(output)
    assert (line["event"], line["small"], line["values"]) == ("large", 7, CUT)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_passwords_in_urls_are_redacted_in_lines_of_libraries_too(log_format: str) -> None:
    url = f"https://service:{SECRET}@host/name"
    with log_output(format=log_format) as output:
        logging.getLogger("library").warning("connecting to %s", url, extra={"auth_token": SECRET, "at": {"url": url}})
        try:
            raise ConnectionError(f"no answer from {url}, nor from scheme://:{SECRET}@cache:6379/0")
        except ConnectionError:
            cut_before_the_host = "." * (1_000 - url.index("@")) + url + "." * 2_000
            structlog.stdlib.get_logger("own").exception("failed", urls=[url], text=cut_before_the_host)
    assert SECRET not in output.getvalue()
    assert f"https://service:{MARK}@host/name" in output.getvalue()
    assert f"scheme://:{MARK}@cache:6379/0" in output.getvalue()


def test_a_url_without_a_password_is_logged_unchanged(output: StringIO) -> None:
    text = "http://user@host:8000/a:b@c?d=e:f@g then a:b@c"
    logging.getLogger("library").warning(text)
    assert only_line(output)["event"] == text


def test_a_text_made_to_be_slow_is_not_slow(output: StringIO) -> None:
    logging.getLogger("library").warning("://" + "a:" * 500_000)
    logging.getLogger("library").warning("://a:" * 500_000)
    assert len(output.getvalue()) < 10_000


def test_values_that_json_cannot_hold_are_logged(output: StringIO) -> None:
    structlog.stdlib.get_logger("own").info("odd", half="\ud800", large=2**70, keys={7: 1})
    line = only_line(output)
    assert (line["half"], line["large"], line["keys"]) == ("\ud800", 2**70, {"7": 1})


def test_an_exception_that_ends_the_process_is_one_line(output: StringIO) -> None:
    sys.excepthook(ValueError, ValueError(f"https://service:{SECRET}@host"), None)
    line = only_line(output)
    assert (line["event"], line["exception"][0]["exc_type"]) == ("unhandled exception", "ValueError")
    assert SECRET not in output.getvalue()


def test_a_failed_startup_that_is_logged_as_text_becomes_an_exception(output: StringIO) -> None:
    try:
        raise ZeroDivisionError("at the start")
    except ZeroDivisionError:
        logging.getLogger("uvicorn.error").error(traceback.format_exc())
    line = only_line(output)
    assert (line["event"], line["exception"][0]["exc_value"]) == ("unhandled exception", "at the start")
    assert "Traceback" not in output.getvalue()


def test_an_exception_has_its_cause_and_its_frames_without_values(output: StringIO) -> None:
    hidden = SECRET
    try:
        try:
            raise KeyError("the cause")
        except KeyError as error:
            raise ZeroDivisionError("the effect") from error
    except ZeroDivisionError:
        structlog.stdlib.get_logger("own").exception("failed")
    raised, cause = only_line(output)["exception"]
    assert (raised["exc_type"], raised["exc_value"]) == ("ZeroDivisionError", "the effect")
    assert (cause["exc_type"], cause["is_cause"]) == ("KeyError", True)
    assert set(raised["frames"][-1]) == {"filename", "lineno", "name"}
    assert hidden not in output.getvalue()


def test_a_long_chain_keeps_its_root_cause_and_stays_within_a_line(output: StringIO) -> None:
    def raise_deeply(depth: int) -> None:
        if depth:
            raise_deeply(depth - 1)
        raise ValueError("first")

    def raise_chain(length: int) -> None:
        try:
            raise_deeply(200) if not length else raise_chain(length - 1)
        except ValueError as error:
            raise ValueError(f"{length} " + "x" * 5_000) from error

    try:
        raise_chain(10)
    except ValueError:
        structlog.stdlib.get_logger("own").exception("failed")
    assert len(output.getvalue()) < 16_384
    chain = json.loads(output.getvalue())["exception"]
    assert chain[0]["exc_value"].startswith("10 ")
    assert chain[-1]["exc_value"] == "first"


def test_debug_lines_of_libraries_are_dropped() -> None:
    with log_output("debug") as output:
        logging.getLogger("driver").debug("UPDATE accounts SET name = %s", SECRET)
        structlog.stdlib.get_logger("own").debug("kept")
    assert only_line(output)["event"] == "kept"
