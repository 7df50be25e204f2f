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


def test_connections_to_a_pooler_ask_for_nothing_that_it_refuses_or_forgets() -> None:
    options = PostgresDatabase(settings(pooler="TRANSACTION"), "billing-service").options()
    assert options["server_settings"] == {"application_name": "billing-service"}
    assert options["statement_cache_size"] == 0


def test_sessions_are_those_of_the_server_never_of_a_pooler() -> None:
    direct_url = SecretStr("postgresql://service:ocean@server/name")
    for values in ({"pooler": "transaction"}, {}):
        database = PostgresDatabase(settings(direct_url=direct_url, **values), "billing-service")
        options = database.direct_options()
        assert (options["dsn"], options["password"]()) == (direct_url.get_secret_value(), "ocean")
        assert "statement_timeout" in options["server_settings"]
    assert PostgresDatabase(settings(), "billing-service").direct_options()["dsn"].endswith("@database/name")
    alone = PostgresDatabase(settings(pooler="transaction"), "billing-service")
    assert not alone.has_direct_address
    with pytest.raises(ValueError, match="DATABASE_DIRECT_URL is not set"):
        alone.direct_options()


def test_a_direct_url_is_checked_like_the_other_and_not_shown() -> None:
    with pytest.raises(ValidationError, match="must look like postgresql://") as refused:
        settings(direct_url=SecretStr("oracle://service:ocean@server/name"))
    assert "ocean" not in str(refused.value)
    assert "ocean" not in repr(settings(direct_url=SecretStr("postgresql://service:ocean@server/name")))


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
