"""What a line holds, and what it never does, wherever it comes from."""

import io
import json
import logging
import sys
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from pydantic import BaseModel

from {{ cookiecutter.package_name }}.config import load_settings
from {{ cookiecutter.package_name }}.infrastructure.telemetry.logging import configure_logging
from {{ cookiecutter.package_name }}.infrastructure.telemetry.redaction import CUT, MOST_ITEMS, Redaction
from {{ cookiecutter.package_name }}.infrastructure.telemetry.text import MARK

from .test_request_pass import quiet_again  # noqa: F401 - the output that is logged to here is closed
from .test_settings import refused

FORMATS = pytest.mark.parametrize("log_format", ["json", "console"])
SECRET = "sesame"  # noqa: S105 - to be looked for


@dataclass
class Account:
    """Something of the domain."""

    user_email: str
    balance: int


class Login(BaseModel):
    """Something of a library."""

    user: str
    password: str


def cleaned(**fields: Any) -> dict[str, Any]:
    """A line with these fields, as it is told."""
    return dict(Redaction(["customer_name"])(None, "info", fields))


@pytest.fixture
def output() -> io.StringIO:
    """Where lines go."""
    return io.StringIO()


@pytest.mark.parametrize(
    "name",
    [
        *("password", "db_password", "Passwords", "client-secret", "accessToken", "Authorization", "set_cookie"),
        *("apiKey", "X-API-Key", "api_keys", "APIKEY", "sentry_dsn", "email", "customerEmail", "phone_number", "IBAN"),
        *("client_address", "x-forwarded-for", "customer_name", "customerName", "the_customer_name_at"),
    ],
)
def test_a_field_with_such_a_word_is_not_told(name: str) -> None:
    assert cleaned(**{name: SECRET}) == {name: MARK}


@pytest.mark.parametrize(
    "name",
    ["tokenizer", "emailing", "secretary", "token_count", "password_changed_at", "key", "name", "path", "pinned"],
)
def test_a_field_that_only_sounds_like_one_is_told(name: str) -> None:
    assert cleaned(**{name: "so"}) == {name: "so"}


def test_whether_there_is_a_secret_may_be_told() -> None:
    assert cleaned(password=None, email=True) == {"password": None, "email": True}


def test_what_is_nested_is_looked_into() -> None:
    headers = [(b"Authorization", b"sesame"), (b"accept", b"*/*")]
    told = cleaned(
        request={"headers": headers, "users": [{"email": SECRET, "id": 7}]},
        account=Account(SECRET, 3),
        login=Login(user="u", password=SECRET),
    )
    assert told == {
        "request": {
            "headers": [["Authorization", MARK], ["accept", "b'*/*'"]],
            "users": [{"email": MARK, "id": 7}],
        },
        "account": {"user_email": MARK, "balance": 3},
        "login": {"user": "u", "password": MARK},
    }


def test_what_was_handed_over_is_left_as_it_was() -> None:
    nested = {"password": SECRET, "more": [{"token": SECRET}]}
    cleaned(nested=nested)
    assert nested == {"password": SECRET, "more": [{"token": SECRET}]}


def test_what_is_endless_or_large_is_cut() -> None:
    endless: list[Any] = []
    endless.append(endless)
    wide: Any = "x"
    for _ in range(6):
        wide = [wide] * 100
    for value in (endless, wide, list(range(10_000)), {"a": "x" * 1_000_000}):
        assert len(str(cleaned(value=value)["value"])) < 100_000
    assert len(cleaned(value=list(range(100)))["value"]) == MOST_ITEMS


def test_a_line_is_never_longer_than_container_runtimes_allow(output: io.StringIO) -> None:
    configure_logging("info", "json", output)
    texts = {f"text_{number}": "\N{SNOWMAN}" * 1_000 for number in range(20)}
    structlog.stdlib.get_logger("own").info("large", small=7, values=[["x" * 1_000] * 9] * 9, **texts)
    assert len(output.getvalue().encode()) <= 16_384
    told = json.loads(output.getvalue())
    assert (told["event"], told["small"], told["values"]) == ("large", 7, CUT)


@FORMATS
def test_lines_of_libraries_and_passwords_in_urls(output: io.StringIO, log_format: str) -> None:
    configure_logging("info", log_format, output)
    url = f"https://service:{SECRET}@host/name"
    logging.getLogger("library").warning("connecting to %s", url, extra={"auth_token": SECRET, "at": {"url": url}})
    try:
        raise ConnectionError(f"no answer from {url}, nor from scheme://:{SECRET}@cache:6379/0")
    except ConnectionError:
        cut_before_the_host = "." * (1_000 - url.index("@")) + url + "." * 2_000
        structlog.stdlib.get_logger("own").exception("failed", urls=[url], text=cut_before_the_host)
    assert SECRET not in output.getvalue()
    assert f"https://service:{MARK}@host/name" in output.getvalue()
    assert f"scheme://:{MARK}@cache:6379/0" in output.getvalue()


def test_a_url_without_a_password_is_told_as_it_is(output: io.StringIO) -> None:
    configure_logging("info", "json", output)
    text = "http://user@host:8000/a:b@c?d=e:f@g then a:b@c"
    logging.getLogger("library").warning(text)
    assert json.loads(output.getvalue())["event"] == text


def test_a_text_that_is_made_to_be_slow_is_not(output: io.StringIO) -> None:
    configure_logging("info", "json", output)
    logging.getLogger("library").warning("://" + "a:" * 500_000)
    logging.getLogger("library").warning("://a:" * 500_000)
    assert len(output.getvalue()) < 10_000


def test_what_json_cannot_hold_is_told_all_the_same(output: io.StringIO) -> None:
    configure_logging("info", "json", output)
    structlog.stdlib.get_logger("own").info("odd", half="\ud800", large=2**70, keys={7: 1})
    assert json.loads(output.getvalue()) | {"timestamp": ""} == {
        **{"event": "odd", "half": "\ud800", "large": 2**70, "keys": {"7": 1}},
        **{"level": "info", "logger": "own", "timestamp": ""},
    }


def test_what_ends_the_process_is_a_line_like_others(monkeypatch: pytest.MonkeyPatch, output: io.StringIO) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # put back after the test
    configure_logging("info", "json", output)
    sys.excepthook(ValueError, ValueError(f"https://service:{SECRET}@host"), None)
    told = json.loads(output.getvalue())
    assert (told["event"], told["exception"][0]["exc_type"]) == ("unforeseen error", "ValueError")
    assert SECRET not in output.getvalue()


def test_an_exception_keeps_its_root_and_stays_within_a_line(output: io.StringIO) -> None:
    def raise_deeply(depth: int) -> None:
        if depth:
            raise_deeply(depth - 1)
        raise ValueError("first")

    def raise_chain(length: int) -> None:
        try:
            raise_deeply(200) if not length else raise_chain(length - 1)
        except ValueError as error:
            raise ValueError(f"{length} " + "x" * 5_000) from error

    configure_logging("info", "json", output)
    try:
        raise_chain(10)
    except ValueError:
        structlog.stdlib.get_logger("own").exception("failed")
    assert len(output.getvalue()) < 16_384
    told = json.loads(output.getvalue())["exception"]
    assert told[0]["exc_value"].startswith("10 ")
    assert told[-1]["exc_value"] == "first"


def test_libraries_debug_lines_are_not_told(output: io.StringIO) -> None:
    configure_logging("debug", "json", output)
    logging.getLogger("driver").debug("UPDATE accounts SET name = %s", SECRET)
    structlog.stdlib.get_logger("own").debug("told")
    assert json.loads(output.getvalue())["event"] == "told"


def test_names_come_from_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_REDACTED_KEYS", "customer_name, note")
    assert load_settings().log.redacted == ["customer_name", "note"]
    [problem] = refused(monkeypatch, LOG_REDACTED_KEYS="note,_")
    assert problem.startswith("LOG_REDACTED_KEYS: names separated by commas")
