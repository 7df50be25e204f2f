"""Which fields are redacted, and which values are cut."""

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from chassis.telemetry.redaction import MAX_ITEMS, Redaction
from chassis.telemetry.text import MARK

SECRET = "sesame"  # noqa: S105 - to be looked for


@dataclass
class Account:
    """A dataclass."""

    user_email: str
    balance: int


class Login(BaseModel):
    """A model."""

    user: str
    password: str


def redacted(**fields: Any) -> dict[str, Any]:
    """A line with these fields, as it is logged."""
    return dict(Redaction(["customer_name"])(None, "info", fields))


@pytest.mark.parametrize(
    "name",
    [
        *("password", "db_password", "Passwords", "client-secret", "accessToken", "Authorization", "set_cookie"),
        *("apiKey", "X-API-Key", "api_keys", "APIKEY", "sentry_dsn", "email", "customerEmail", "phone_number", "IBAN"),
        *("client_address", "x-forwarded-for", "customer_name", "customerName", "the_customer_name_at"),
    ],
)
def test_a_field_with_a_sensitive_word_is_redacted(name: str) -> None:
    assert redacted(**{name: SECRET}) == {name: MARK}


@pytest.mark.parametrize(
    "name",
    ["tokenizer", "emailing", "secretary", "token_count", "password_changed_at", "key", "name", "path", "pinned"],
)
def test_a_field_that_only_resembles_one_is_logged(name: str) -> None:
    assert redacted(**{name: "so"}) == {name: "so"}


def test_none_and_booleans_are_never_redacted() -> None:
    assert redacted(password=None, email=True) == {"password": None, "email": True}


def test_nested_values_are_searched() -> None:
    headers = [(b"Authorization", b"sesame"), (b"accept", b"*/*")]
    line = redacted(
        request={"headers": headers, "users": [{"email": SECRET, "id": 7}]},
        account=Account(SECRET, 3),
        login=Login(user="u", password=SECRET),
    )
    assert line == {
        "request": {
            "headers": [["Authorization", MARK], ["accept", "b'*/*'"]],
            "users": [{"email": MARK, "id": 7}],
        },
        "account": {"user_email": MARK, "balance": 3},
        "login": {"user": "u", "password": MARK},
    }


def test_the_callers_values_are_not_changed() -> None:
    nested = {"password": SECRET, "more": [{"token": SECRET}]}
    redacted(nested=nested)
    assert nested == {"password": SECRET, "more": [{"token": SECRET}]}


def test_endless_and_large_values_are_cut() -> None:
    endless: list[Any] = []
    endless.append(endless)
    wide: Any = "x"
    for _ in range(6):
        wide = [wide] * 100
    for value in (endless, wide, list(range(10_000)), {"a": "x" * 1_000_000}):
        assert len(str(redacted(value=value)["value"])) < 100_000
    assert len(redacted(value=list(range(100)))["value"]) == MAX_ITEMS
