"""How a session on the server is opened and set up."""

from math import ceil
from urllib.parse import unquote, urlsplit

import asyncmy
from asyncmy.constants.CLIENT import FOUND_ROWS

from .connection import Connection
from .driver import Driver
from .settings import DatabaseSettings

IDLE_SECONDS = 15  # within a transaction


async def connect(settings: DatabaseSettings, application_name: str) -> Connection:
    """Open a session with the server and the limits of the settings."""
    url = urlsplit(settings.address)
    driver: Driver = await asyncmy.connect(
        host=url.hostname,
        port=url.port or 3306,
        user=unquote(url.username or ""),
        password_creator=lambda: settings.read_password().encode(),
        database=unquote(url.path.lstrip("/")),
        charset="utf8mb4",
        ssl=settings.tls_context(),
        connect_timeout=settings.connect_timeout_seconds,
        # An UPDATE counts the rows that its condition matched, also those that hold the new values already.
        client_flag=FOUND_ROWS,
        autocommit=None,
        program_name=application_name,
    )
    connection = Connection(driver, settings.statement_timeout_seconds + 1)  # the server's own limit comes first
    server = driver.get_server_info()
    if not _is_mariadb(server):
        connection.silence_limits = (IDLE_SECONDS, _wait_seconds(settings))
    try:
        for statement in session_statements(settings, server):
            await connection.run(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def session_statements(settings: DatabaseSettings, server: str) -> list[str]:
    """Statements that make sessions behave the same on every server, whatever its own settings are."""
    lock_seconds = ceil(settings.lock_timeout_seconds)  # whole seconds only, and 0 would mean something else
    variables = {
        "autocommit": 1,
        "sql_mode": "'TRADITIONAL'",  # refuses what does not fit, instead of truncating it
        "time_zone": "'+00:00'",
        "innodb_lock_wait_timeout": lock_seconds,  # rows
        "lock_wait_timeout": lock_seconds,  # tables, while a migration changes them
        "wait_timeout": _wait_seconds(settings),
    }
    if _is_mariadb(server):
        variables["max_statement_time"] = f"{settings.statement_timeout_seconds:f}"
        # A process that died without closing its connection must not hold its locks. No live one pauses for so long.
        variables["idle_transaction_timeout"] = IDLE_SECONDS
    else:
        variables["max_execution_time"] = ceil(settings.statement_timeout_seconds * 1000)  # of SELECT only
    assignments = ", ".join(f"{name} = {value}" for name, value in variables.items())
    return [f"SET SESSION {assignments}", "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"]


def _is_mariadb(server: str) -> bool:
    return "mariadb" in server.lower()


def _wait_seconds(settings: DatabaseSettings) -> int:
    """How long the server keeps a silent session; the pool closes an idle one before."""
    return ceil(settings.pool_recycle_seconds) + 60
