"""Which brokers are accepted, and where."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from {{ cookiecutter.package_name }}.config import load_settings
from {{ cookiecutter.package_name }}.config.broker import BrokerSettings

from .test_settings import refused


@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_events_may_stay_within_the_process_only_on_a_developers_machine(
    monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    problems = refused(monkeypatch, ENVIRONMENT=environment)
    assert any(problem.startswith("BROKER_URL: must be set") for problem in problems)


def test_production_refuses_placeholders(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = refused(monkeypatch, ENVIRONMENT="production", BROKER_URL="redis://:change-me@broker/0")
    assert any(problem.startswith("BROKER_URL: holds a placeholder") for problem in problems)


@pytest.mark.parametrize(
    "url",
    [
        "redis://broker",
        "redis://broker:6379",
        "redis://:pa%2Fss@broker:6379/3",
        "rediss://service:tIg3r@broker.example.com:6380/0",
        "redis://service@[::1]:6379/0",
    ],
)
def test_takes_what_a_server_gives(url: str) -> None:
    assert BrokerSettings(url=SecretStr(url)).address == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("amqp://service:hidden@broker", "must look like"),
        ("unix:///run/redis.sock", "must look like"),
        ("redis://service:hidden@broker/0?db=1", "takes no options"),
        ("redis://service:hid/den@broker/0", "cannot be read"),
        ("redis://service:hid#den@broker/0", "cannot be read"),
        ("redis://service:hid@den@broker/0", "cannot be read"),
        ("redis://service:hidden@broker:port/0", "cannot be read"),
        ("redis://service:hidden@broker/events", "cannot be read"),
        ("redis://service:hidden@/0", "cannot be read"),
    ],
)
def test_refuses_a_url_that_cannot_be_read_and_does_not_repeat_it(url: str, problem: str) -> None:
    with pytest.raises(ValidationError) as error:
        BrokerSettings(url=SecretStr(url))
    assert problem in str(error.value)
    assert "hid" not in str(error.value)


def test_a_transaction_stays_open_no_longer_than_a_request_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    [problem] = refused(monkeypatch, BROKER_PUBLISH_TIMEOUT_SECONDS="8")
    assert problem.startswith("BROKER_PUBLISH_TIMEOUT_SECONDS:")


def test_a_password_is_read_anew_and_told_to_nobody(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    settings = BrokerSettings(url=SecretStr("redis://service:in-the-url@broker/0"), password_file=file)
    assert settings.read_password() == "first"
    file.write_text("second\n")
    assert settings.read_password() == "second"
    assert "in-the-url" not in repr(settings)
    assert BrokerSettings(url=SecretStr("redis://:in%2Dthe%2Durl@broker/0")).read_password() == "in-the-url"


def test_needs_no_broker_on_a_developers_machine() -> None:
    assert load_settings().broker.url is None
