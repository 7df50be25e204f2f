"""Accepted databases, TLS, and the variables of a session."""

import ssl

import pytest
from pydantic import SecretStr, ValidationError

from chassis.database.mysql import DatabaseSettings
from chassis.database.mysql.sessions import session_statements

URL = SecretStr("mysql://service:tIg3r-81-meadow@database/name")


def test_data_may_be_kept_in_memory() -> None:
    assert DatabaseSettings().url is None


@pytest.mark.parametrize("url", ["postgresql://service@database/name", "mysql:service@database", "sqlite:///file"])
def test_refuses_another_scheme(url: str) -> None:
    with pytest.raises(ValidationError, match="must look like mysql://"):
        DatabaseSettings(url=SecretStr(url))


def test_the_password_is_not_shown() -> None:
    assert "tIg3r" not in repr(DatabaseSettings(url=URL))


def test_tls_is_off_encrypted_or_verified() -> None:
    assert DatabaseSettings(url=URL).tls_context() is None
    require = DatabaseSettings(url=URL, tls="require").tls_context()
    assert require is not None
    assert require.verify_mode is ssl.CERT_NONE
    verify = DatabaseSettings(url=URL, tls="verify").tls_context()
    assert verify is not None
    assert verify.check_hostname


@pytest.mark.parametrize(
    ("server", "limit"),
    [("8.4.3", "max_execution_time = 5000"), ("5.5.5-10.11.6-MariaDB", "max_statement_time = 5.000000")],
)
def test_each_server_has_its_own_limit_for_statements(server: str, limit: str) -> None:
    variables, _ = session_statements(DatabaseSettings(url=URL), server)
    assert (variables.count(limit), variables.count("_time = ")) == (1, 1)
