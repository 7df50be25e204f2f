"""Which BROKER_URL is accepted, and how it is parsed."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from chassis.messaging.brokers.kafka import BrokerSettings


def settings_of(url: str) -> BrokerSettings:
    """Settings with this URL."""
    return BrokerSettings(url=SecretStr(url))


def test_a_url_names_servers_and_account() -> None:
    settings = settings_of("kafka+ssl://or%40der:s%2Fe%3Ac@one:9092,two.example.com:9093,[::1]:9094")
    assert settings.servers == "one:9092,two.example.com:9093,[::1]:9094"
    assert settings.user == "or@der"
    assert settings.read_password() == "s/e:c"
    assert settings.is_encrypted


def test_needs_no_account() -> None:
    settings = settings_of("kafka://one:9092")
    assert (settings.user, settings.read_password(), settings.is_encrypted) == (None, "", False)


def test_prefers_the_password_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("new\n")
    settings = BrokerSettings(url=SecretStr("kafka://user:old@one:9092"), password_file=file)
    assert settings.read_password() == "new"


@pytest.mark.parametrize(
    "url",
    [
        "one:9092",
        "kafka:one:9092",
        "amqp://one:9092",
        "kafka://",
        "kafka://one",
        "kafka://one:0",
        "kafka://one:port",
        "kafka://one:9092,",
        "kafka://one:9092,two",
        "kafka://one:9092/topic",
        "kafka://one:9092?acks=1",
        "kafka://user:sec/ret@one:9092",
        "kafka://user:sec@ret@one:9092",
        "kafka://user:sec#ret@one:9092",
    ],
)
def test_refuses_an_ambiguous_url_without_showing_it(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings_of(url)
    assert "sec" not in str(caught.value)
