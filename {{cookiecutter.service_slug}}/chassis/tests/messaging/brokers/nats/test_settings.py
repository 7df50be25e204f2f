"""Settings of NATS: which URLs are accepted."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from chassis.messaging.brokers.nats import BrokerSettings


@pytest.mark.parametrize(
    "url",
    [
        "amqp://user:meadow@broker",
        "nats://",
        "nats://user:meadow@broker:4222?tls=1",
        "nats://user:mea/dow@broker:4222",
        "nats://user:mea@dow@broker:4222",
        "nats://user:mea#dow@broker:4222",
        "nats://user:meadow@broker:0",
        "nats://user:meadow@broker:port",
        "nats://user:meadow@broker/name",
    ],
)
def test_refuses_a_malformed_url_without_showing_it(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        BrokerSettings.model_validate({"url": url})
    assert "dow" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "address", "user", "password"),
    [
        ("nats://broker", "nats://broker:4222", None, ""),
        ("tls://app:a%2Fb%40c@broker:4443", "tls://broker:4443", "app", "a/b@c"),
        ("nats://app:secret@[::1]:4222/", "nats://[::1]:4222", "app", "secret"),
    ],
)
def test_the_address_holds_no_secret(url: str, address: str, user: str | None, password: str) -> None:
    settings = BrokerSettings.model_validate({"url": url})
    assert (settings.server, settings.user, settings.read_password()) == (address, user, password)
    assert password == "" or password not in repr(settings)


def test_the_password_file_is_read_again_each_time(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    settings = BrokerSettings.model_validate({"url": "nats://app@broker", "password_file": file})
    assert settings.read_password() == "first"
    file.write_text("second\n")
    assert settings.read_password() == "second"


def test_publishing_must_not_take_as_long_as_a_transaction() -> None:
    with pytest.raises(ValidationError, match="less than 8"):
        BrokerSettings.model_validate({"publish_timeout_seconds": 8})
