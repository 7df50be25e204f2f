"""URLs and passwords of servers."""

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import SecretStr, ValidationError

from chassis.settings import Environment, ServerSection
from chassis.settings.guard import validate_environment


class StoreSettings(ServerSection, env_prefix="STORE_"):
    """Where data is stored."""

    schemes: ClassVar = ("store://", "stores://")
    example: ClassVar = "store://user:password@host/name"


@pytest.mark.parametrize(
    "url",
    [
        "store://server",
        "store://service:tIg3r-81-meadow@server:5672/name",
        "stores://service:a%2Fb%40c@server.example.com/%2F",
    ],
)
def test_accepts_a_url_with_or_without_account_and_name(url: str) -> None:
    assert StoreSettings(url=SecretStr(url)).address == url


@pytest.mark.parametrize(
    "url",
    [
        "http://service:tIg3r@server",
        "store:service:tIg3r@server",
        "store://service:tIg3r@",
        "store://service:tI/g3r@server/name",
        "store://service:tI@g3r@server/name",
        "store://service:tIg#3r@server/name",
        "store://service:tIg3r@server:0",
        "store://service:tIg3r@server:port",
        "store://service:tIg3r@server?heartbeat=5",
        "store://service:tIg3r@[server",
    ],
)
def test_refuses_an_ambiguous_url_without_showing_it(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        StoreSettings(url=SecretStr(url))
    assert "g3r" not in str(caught.value)


def test_the_password_is_read_again_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    settings = StoreSettings(url=SecretStr("store://service@server"), password_file=file)
    assert settings.read_password() == "first"
    file.write_text("second\n")
    assert settings.read_password() == "second"


def test_a_password_in_the_url_is_decoded() -> None:
    assert StoreSettings(url=SecretStr("store://service:a%2Fb%40c@server")).read_password() == "a/b@c"


def test_a_missing_url_is_named() -> None:
    with pytest.raises(ValueError, match="STORE_URL is not set"):
        _ = StoreSettings().address


@pytest.mark.parametrize("content", [b"Local-Only\n", b"\xff"])
def test_production_refuses_a_file_without_a_real_password(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    settings = StoreSettings(url=SecretStr("store://service@server"), password_file=file)
    [problem] = validate_environment(Environment.PRODUCTION, [settings])
    assert problem.startswith("STORE_PASSWORD_FILE: ")
    file.write_text("tIg3r\n")
    assert validate_environment(Environment.PRODUCTION, [settings]) == []
