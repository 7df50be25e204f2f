"""PostgreSQL as the tests reach it: directly, or through PgBouncer in transaction mode.

With `LIVE_POSTGRESQL_POOLER=transaction` every test of the adapters below `tests/database/postgresql` and
`tests/messaging/storage/postgresql` runs through a PgBouncer of the test run; those that cannot are marked `session`.
"""

import os
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest
from pydantic import SecretStr

from chassis.database.postgresql import DatabaseSettings
from chassis.testing.postgresql.pgbouncer import PgBouncer, installed, pgbouncer
from tests.support import servers

SWITCH = "LIVE_POSTGRESQL_POOLER"
HAS_POOLER = os.environ.get(SWITCH, "none") == "transaction"
_until_the_end = ExitStack()


def skip_if_session(item: pytest.Item) -> None:
    """Skip a test that is marked `session` where it would run through a pooler."""
    if HAS_POOLER and (mark := item.get_closest_marker("session")):
        pytest.skip(f"needs a session: {mark.kwargs['reason']}")


@cache
def pooler() -> PgBouncer:
    """The PgBouncer of this run, started when first needed; skips the test where there is none."""
    server_url = servers.url("postgresql")
    if installed() is None:
        servers.missing("PgBouncer is not installed: apt-get install pgbouncer")
    return _until_the_end.enter_context(pgbouncer(server_url))


def stop_pooler() -> None:
    """Stop it, if it was started."""
    _until_the_end.close()
    pooler.cache_clear()


def settings_of(url: str, **values: Any) -> DatabaseSettings:
    """Settings that name a database, through the pooler if that was asked for."""
    return pooled(url, **values) if HAS_POOLER else DatabaseSettings(url=SecretStr(url), **values)


def pooled(url: str, **values: Any) -> DatabaseSettings:
    """Settings that name a database through the pooler, and its server for migrations."""
    direct = {"direct_url": SecretStr(url)} | values
    return DatabaseSettings(url=SecretStr(pooler().url_of(url)), pooler="transaction", **direct)


def renew_sessions() -> None:
    """Close the pooler's sessions on the server once they are free, as an operator does after a failover."""
    if HAS_POOLER:
        pooler().administer("RECONNECT")
