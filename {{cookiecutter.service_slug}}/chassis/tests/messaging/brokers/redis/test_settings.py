"""Which BROKER_URL is accepted, and where it is required."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from chassis.messaging.brokers.redis import BrokerSettings
from chassis.settings import InvalidSettings, ServiceSettings, load_settings


@dataclass(frozen=True)
class Settings:
    """The settings of a service with a broker."""

    service: ServiceSettings
    broker: BrokerSettings


def problems_of(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """The problems reported for an environment, one per line."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings) as error:
        load_settings(Settings)
    return str(error.value)


@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_a_broker_is_required_outside_local(monkeypatch: pytest.MonkeyPatch, environment: str) -> None:
    assert "BROKER_URL: must be set" in problems_of(monkeypatch, ENVIRONMENT=environment)


def test_no_broker_is_required_in_local() -> None:
    assert load_settings(Settings).broker.url is None


def test_production_refuses_placeholders(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = problems_of(monkeypatch, ENVIRONMENT="production", BROKER_URL="redis://:change-me@broker/0")
    assert "BROKER_URL: holds a placeholder" in problems


def test_a_publish_may_not_outlast_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "BROKER_PUBLISH_TIMEOUT_SECONDS:" in problems_of(monkeypatch, BROKER_PUBLISH_TIMEOUT_SECONDS="8")


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
def test_accepts_urls_of_servers(url: str) -> None:
    assert BrokerSettings(url=SecretStr(url)).address == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("amqp://service:hidden@broker", "must look like"),
        ("unix:///run/redis.sock", "must look like"),
        ("redis://service:hidden@broker/0?db=1", "takes no options"),
        ("redis://service:hid/den@broker/0", "cannot be parsed"),
        ("redis://service:hid#den@broker/0", "cannot be parsed"),
        ("redis://service:hid@den@broker/0", "cannot be parsed"),
        ("redis://service:hidden@broker:port/0", "cannot be parsed"),
        ("redis://service:hidden@broker/events", "cannot be parsed"),
        ("redis://service:hidden@/0", "cannot be parsed"),
    ],
)
def test_refuses_an_ambiguous_url_without_showing_it(url: str, problem: str) -> None:
    with pytest.raises(ValidationError) as error:
        BrokerSettings(url=SecretStr(url))
    assert problem in str(error.value)
    assert "hid" not in str(error.value)


def test_the_password_is_read_again_from_its_file_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    settings = BrokerSettings(url=SecretStr("redis://service:in-the-url@broker/0"), password_file=file)
    assert settings.read_password() == "first"
    file.write_text("second\n")
    assert settings.read_password() == "second"
    assert "in-the-url" not in repr(settings)
    assert BrokerSettings(url=SecretStr("redis://:in%2Dthe%2Durl@broker/0")).read_password() == "in-the-url"
