"""What callers are told for each number of the server, and what the sessions of each server are set to."""

import pytest
from asyncmy.errors import InterfaceError, InternalError, MySQLError, OperationalError, ProgrammingError
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.domain.errors import Interrupted, Unavailable
from {{ cookiecutter.package_name }}.infrastructure.database.errors import (
    interrupted_errors,
    unavailable_errors,
)
from {{ cookiecutter.package_name }}.infrastructure.database.sessions import session_statements

SETTINGS = DatabaseSettings(url=SecretStr("mysql://service@database/name"))
LOST = [
    OperationalError(2006, "MySQL server has gone away"),
    OperationalError(2013, "Lost connection to MySQL server during query"),
    OperationalError(1927, "Connection was killed"),
    OperationalError(1053, "Server shutdown in progress"),
    InterfaceError(0, "Not connected"),
    InternalError("Packet sequence number wrong - got 3 expected 1"),
    ConnectionResetError("Connection reset by peer"),
]


@pytest.mark.parametrize("error", LOST, ids=str)
def test_a_connection_lost_before_the_commit_has_stored_nothing(error: Exception) -> None:
    with pytest.raises(Interrupted), unavailable_errors(), interrupted_errors():
        raise error


@pytest.mark.parametrize("error", LOST, ids=str)
def test_a_connection_lost_during_the_commit_leaves_it_open_what_was_stored(error: Exception) -> None:
    with pytest.raises(Unavailable) as unavailable, unavailable_errors():
        raise error
    assert type(unavailable.value) is Unavailable


@pytest.mark.parametrize("number", [1213, 3101, 1020])
def test_what_the_server_rolled_back_may_run_again(number: int) -> None:
    with pytest.raises(Interrupted), unavailable_errors():
        raise OperationalError(number, "Deadlock found")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (1021, "the disk is full"),
        (1040, "too many connections"),
        (1044, "rights are missing"),
        (1045, "credentials are refused"),
        (1049, "no such database"),
        (1146, "schema is missing: run `{{ cookiecutter.service_slug }} migrate`"),
        (1205, "somebody else holds a lock for too long"),
        (1290, "the server is read-only"),
        (1836, "the server is read-only"),
        (1969, "statement took too long"),
        (2003, "cannot be reached"),
        (3024, "statement took too long"),
    ],
)
def test_an_outage_has_a_reason(number: int, reason: str) -> None:
    with pytest.raises(Unavailable) as unavailable, unavailable_errors():
        raise OperationalError(number, "in the server's words")
    assert (type(unavailable.value), unavailable.value.reason) == (Unavailable, reason)


def test_who_waited_in_vain_does_not_wait_again() -> None:
    with pytest.raises(Unavailable) as unavailable, unavailable_errors(), interrupted_errors():
        raise TimeoutError
    assert (type(unavailable.value), unavailable.value.reason) == (Unavailable, "no answer in time")


@pytest.mark.parametrize("number", [1054, 1062, 1064, 1406])
def test_a_mistake_of_our_own_is_no_outage(number: int) -> None:
    with pytest.raises(MySQLError), unavailable_errors(), interrupted_errors():
        raise ProgrammingError(number, "You have an error in your SQL syntax")


@pytest.mark.parametrize(
    ("server", "limit"),
    [("8.4.3", "max_execution_time = 5000"), ("5.5.5-10.11.6-MariaDB", "max_statement_time = 5.000000")],
)
def test_each_server_gets_its_own_limit_for_statements(server: str, limit: str) -> None:
    variables, _ = session_statements(SETTINGS, server)
    assert (variables.count(limit), variables.count("_time = ")) == (1, 1)
