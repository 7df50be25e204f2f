"""Settings of RabbitMQ: which URLs are accepted."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from chassis.messaging.brokers.rabbitmq import BrokerSettings


@pytest.mark.parametrize(
    "url",
    [
        "amqp://broker",
        "amqp://service:tIg3r-81-meadow@broker:5672/orders",
        "amqps://service:a%2Fb%40c@broker.example.com/%2F",
    ],
)
def test_accepts_a_server_with_or_without_a_virtual_host(url: str) -> None:
    assert BrokerSettings(url=SecretStr(url)).address == url


@pytest.mark.parametrize(
    "url",
    [
        "http://service:tIg3r@broker",
        "amqp:service:tIg3r@broker",
        "amqp://service:tIg3r@",
        "amqp://service:tI/g3r@broker/orders",
        "amqp://service:tI@g3r@broker/orders",
        "amqp://service:tIg#3r@broker/orders",
        "amqp://service:tIg3r@broker:0",
        "amqp://service:tIg3r@broker:rabbit",
        "amqp://service:tIg3r@broker?heartbeat=5",
    ],
)
def test_refuses_a_malformed_url_without_showing_it(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        BrokerSettings(url=SecretStr(url))
    assert "g3r" not in str(caught.value)


def test_the_password_file_is_read_again_each_time(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    settings = BrokerSettings(url=SecretStr("amqp://service@broker"), password_file=file)
    assert settings.read_password() == "first"
    file.write_text("second\n")
    assert settings.read_password() == "second"


def test_a_password_in_the_url_is_decoded() -> None:
    assert BrokerSettings(url=SecretStr("amqp://service:a%2Fb%40c@broker")).read_password() == "a/b@c"


def test_only_amqps_is_encrypted_and_always_verified() -> None:
    assert BrokerSettings(url=SecretStr("amqp://broker")).tls_context() is None
    context = BrokerSettings(url=SecretStr("amqps://broker")).tls_context()
    assert context is not None
    assert context.check_hostname


def test_certificates_without_encryption_are_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.touch()
    with pytest.raises(ValidationError, match="has no effect unless BROKER_URL begins with amqps://"):
        BrokerSettings(url=SecretStr("amqp://broker"), tls_ca_file=file)


@pytest.mark.parametrize("seconds", [0, 8, -1])
def test_publishing_must_not_take_as_long_as_a_transaction(seconds: float) -> None:
    with pytest.raises(ValidationError):
        BrokerSettings(publish_timeout_seconds=seconds)
