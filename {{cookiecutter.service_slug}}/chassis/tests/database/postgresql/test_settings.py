"""Settings of the database, and how its connections are opened."""

import ssl

import pytest
from pydantic import SecretStr, ValidationError

from chassis.database.postgresql import DatabaseSettings, PostgresDatabase


def settings(**values: object) -> DatabaseSettings:
    """Settings of a server that does not exist."""
    return DatabaseSettings(url=SecretStr("postgresql://service:meadow@database/name"), **values)  # type: ignore[arg-type]


def test_a_url_of_another_database_is_refused() -> None:
    with pytest.raises(ValidationError, match="must look like postgresql://") as refused:
        DatabaseSettings(url=SecretStr("oracle://service:meadow@database/name"))
    assert "meadow" not in str(refused.value)


def test_secrets_are_not_shown() -> None:
    assert "meadow" not in repr(settings())


def test_connections_name_the_application_and_limit_statements() -> None:
    options = PostgresDatabase(settings(statement_timeout_seconds=1.5), "billing-service").options()
    assert options["server_settings"] == {
        "application_name": "billing-service",
        "statement_timeout": "1500",
        "lock_timeout": "2000",
        "idle_in_transaction_session_timeout": "3000",
    }
    assert options["password"]() == "meadow"
    assert options["ssl"] is False


def test_verified_tls_checks_the_host() -> None:
    context = settings(tls="VERIFY").tls_context()
    assert context is not None
    assert context.check_hostname


def test_required_tls_encrypts_without_a_trusted_certificate() -> None:
    context = settings(tls="require").tls_context()
    assert context is not None
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)


async def test_use_before_open_is_a_mistake() -> None:
    database = PostgresDatabase(settings(), "billing-service")
    assert database.usage().limit == 10
    with pytest.raises(RuntimeError):
        await database.check()
