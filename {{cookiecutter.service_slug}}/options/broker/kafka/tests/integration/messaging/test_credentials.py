"""Whom the service says it is."""

import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable

from ...deliveries import until, until_true
from .conftest import opened
from .sasl_server import sasl_server


async def test_says_that_credentials_are_refused_and_tells_nobody_what_they_are(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with sasl_server() as server:
        url = f"kafka://user:wr%40ng-word@127.0.0.1:{server.port}"
        settings = BrokerSettings(url=SecretStr(url), sasl_mechanism="PLAIN", connect_timeout_seconds=1)
        async with opened(settings) as broker:

            async def says_why() -> bool:
                with pytest.raises(Unavailable) as caught:
                    await broker.check()
                return caught.value.reason == "credentials are refused"

            await until_true(says_why)
        assert set(server.shown) == {b"wr@ng-word"}
    assert "word" not in caplog.text


async def test_shows_a_new_password_from_its_file_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    async with sasl_server() as server:
        settings = BrokerSettings(
            url=SecretStr(f"kafka://user@127.0.0.1:{server.port}"),
            password_file=file,
            sasl_mechanism="PLAIN",
        )
        async with opened(settings):
            await until(lambda: b"first" in server.shown)
            file.write_text("second\n")
            await until(lambda: b"second" in server.shown)
