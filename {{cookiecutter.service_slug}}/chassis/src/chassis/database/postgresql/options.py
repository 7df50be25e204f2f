"""How connections are opened: with time limits of the session, or behind a pooler with those of each transaction."""

from collections.abc import Mapping
from typing import Any

from .connection import LimitedConnection, ObservedConnection
from .settings import DatabaseSettings


def connect_options(settings: DatabaseSettings, application_name: str) -> dict[str, Any]:
    """Arguments of `asyncpg.connect`.

    A pooler in transaction mode refuses parameters of a session, and lends its connections to other clients between two
    transactions. So each transaction begins with its limits, and no statement is prepared by name (PgBouncer knows
    these since 1.21 only): asyncpg then parses each one again in the message that runs it.

    Args:
        settings: the server, or the pooler in front of it.
        application_name: of the connection, in `pg_stat_activity` and the server's log.
    """
    limits = _time_limits(settings)
    options = {
        "dsn": settings.address,
        "password": settings.read_password,  # called for every new connection
        "ssl": settings.tls_context() or False,
        "timeout": settings.connect_timeout_seconds,
        # The server cancels a statement first and reports it; this is for a server that no longer answers.
        "command_timeout": settings.statement_timeout_seconds + 1,
    }
    if settings.pooler == "none":
        return options | {
            "connection_class": ObservedConnection,
            "server_settings": {"application_name": application_name, **limits},
        }
    return options | {
        "connection_class": LimitedConnection.with_limits(limits),
        "server_settings": {"application_name": application_name},
        "statement_cache_size": 0,
    }


def _time_limits(settings: DatabaseSettings) -> Mapping[str, str]:
    """Parameters of PostgreSQL, in milliseconds."""
    return {
        "statement_timeout": _milliseconds(settings.statement_timeout_seconds),
        "lock_timeout": _milliseconds(settings.lock_timeout_seconds),
        # A process that dies in a transaction must not hold its locks.
        "idle_in_transaction_session_timeout": _milliseconds(settings.statement_timeout_seconds * 2),
    }


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
