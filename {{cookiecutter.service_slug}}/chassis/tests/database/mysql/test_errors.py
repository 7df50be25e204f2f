"""Reasons for each number of the server, and the row values that no error may hold."""

import pytest
from asyncmy.errors import IntegrityError, InterfaceError, InternalError, MySQLError, OperationalError, ProgrammingError

from chassis.database.mysql.errors import hide_values, interrupted_errors, unavailable_errors
from chassis.errors import Interrupted, ReadOnly, Unavailable

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
def test_the_outcome_of_a_commit_is_unknown_when_the_connection_is_lost(error: Exception) -> None:
    with pytest.raises(Unavailable) as unavailable, unavailable_errors():
        raise error
    assert type(unavailable.value) is Unavailable


@pytest.mark.parametrize("number", [1213, 3101, 1020])
def test_a_rollback_by_the_server_may_run_again(number: int) -> None:
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
        (1146, "schema is missing: run `migrate`"),
        (1205, "a lock was not available in time"),
        (1969, "statement took too long"),
        (2003, "cannot be reached"),
        (3024, "statement took too long"),
        (3159, "the server requires TLS"),
    ],
)
def test_an_outage_has_a_reason(number: int, reason: str) -> None:
    with pytest.raises(Unavailable) as unavailable, unavailable_errors():
        raise OperationalError(number, "in the server's words")
    assert (type(unavailable.value), unavailable.value.reason) == (Unavailable, reason)


@pytest.mark.parametrize("number", [1290, 1792, 1836])
def test_a_server_that_accepts_no_changes_is_read_only(number: int) -> None:
    with pytest.raises(ReadOnly), unavailable_errors(), interrupted_errors():
        raise OperationalError(number, "in the server's words")


@pytest.mark.parametrize(
    ("number", "is_outage"), [(1021, True), (1040, True), (1205, False), (1317, False), (3024, False), (2013, None)]
)
def test_an_error_says_whether_it_concerns_everybody(number: int, is_outage: bool | None) -> None:
    with pytest.raises(Unavailable) as unavailable, unavailable_errors():
        raise OperationalError(number, "in the server's words")
    assert unavailable.value.is_outage is is_outage


def test_a_timeout_is_not_retried() -> None:
    with pytest.raises(Unavailable) as unavailable, unavailable_errors(), interrupted_errors():
        raise TimeoutError
    assert (type(unavailable.value), unavailable.value.reason) == (Unavailable, "no answer in time")


@pytest.mark.parametrize("number", [1054, 1062, 1064, 1406])
def test_a_mistake_in_a_statement_is_not_an_outage(number: int) -> None:
    with pytest.raises(MySQLError), unavailable_errors(), interrupted_errors():
        raise ProgrammingError(number, "You have an error in your SQL syntax")


@pytest.mark.parametrize(
    ("number", "message", "shown"),
    [
        (1048, "Column 'reference' cannot be null", "Column 'reference' cannot be null"),
        (1062, "Duplicate entry 'a' for key 'secret' for key 'PRIMARY'", "Duplicate entry for key 'PRIMARY'"),
        (1062, "Duplicate entry 'secret\n' for key 'PRIMARY'", "Duplicate entry for key 'PRIMARY'"),
        (1292, "Truncated incorrect INTEGER value: 'secret'", "Truncated incorrect INTEGER value"),
        (1366, "Incorrect string value: 'secret' for column `d`.`t`.`c` at row 1", "Incorrect string value for column"),
        (4025, "CONSTRAINT `parcels_status` failed for `db`.`parcels`", "CONSTRAINT `parcels_status` failed"),
        (3141, 'Invalid JSON text in argument 1: "secret"', "not shown"),
        (1644, "secret, as a trigger of the team's own reports it", "not shown"),
    ],
)
def test_errors_hold_names_but_no_values(number: int, message: str, shown: str) -> None:
    error = IntegrityError(number, message)
    hide_values(error)
    assert error.args[0] == number
    assert shown in str(error)
    assert "secret" not in str(error)
