"""Credentials."""

import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from chassis.errors import Unavailable
from chassis.messaging.brokers.kafka import BrokerSettings
from chassis.testing.brokers import eventually, eventually_true

from .conftest import opened
from .sasl_server import sasl_server


async def test_refused_credentials_are_reported_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with sasl_server() as server:
        url = f"kafka://user:wr%40ng-word@127.0.0.1:{server.port}"
        settings = BrokerSettings(url=SecretStr(url), sasl_mechanism="PLAIN", connect_timeout_seconds=1)
        async with opened(settings) as broker:

            async def is_reported() -> bool:
                with pytest.raises(Unavailable) as caught:
                    await broker.check()
                return caught.value.reason == "credentials are refused"

            await eventually_true(is_reported)
        assert set(server.passwords) == {b"wr@ng-word"}
    assert "word" not in caplog.text


async def test_a_new_password_in_the_file_is_used_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    async with sasl_server() as server:
        settings = BrokerSettings(
            url=SecretStr(f"kafka://user@127.0.0.1:{server.port}"),
            password_file=file,
            sasl_mechanism="PLAIN",
        )
        async with opened(settings):
            await eventually(lambda: b"first" in server.passwords)
            file.write_text("second\n")
            await eventually(lambda: b"second" in server.passwords)
