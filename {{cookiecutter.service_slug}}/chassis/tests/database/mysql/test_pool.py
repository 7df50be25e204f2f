"""Who gets a connection when, and which one is never handed out again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from asyncmy.errors import OperationalError

from chassis.database.mysql.connection import Connection
from chassis.database.mysql.pool import Pool


@dataclass
class Result:
    """One row that holds whether a lock was taken."""

    rows: Sequence[tuple[int]] = ((1,),)
    affected_rows: int = 1


class Statement:
    """Answers with the number of its values."""

    async def execute(self, args: Sequence[object]) -> Result:
        return Result(rows=((len(args),),))

    async def close(self) -> None:
        """There is no server."""


@dataclass
class Driver:
    """Takes the place of asyncmy's connection; records the statements."""

    statements: list[str] = field(default_factory=list)
    closed: bool = False
    left: bool = False
    in_transaction: bool = False
    fails: BaseException | None = None
    hangs: bool = False

    async def query(self, sql: str) -> int:
        self.statements.append(sql)
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails is not None:
            raise self.fails
        return 0

    async def prepare(self, query: str) -> "Statement":
        await self.query(query)
        return Statement()

    async def ensure_closed(self) -> None:
        self.left = True

    def close(self) -> None:
        self.closed = True

    def get_server_info(self) -> str:
        return "8.4.0"

    def get_transaction_status(self) -> bool:
        return self.in_transaction


class Server:
    """Opens connections, or fails to."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.drivers: list[Driver] = []

    async def connect(self) -> Connection:
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        self.drivers.append(Driver())
        return Connection(self.drivers[-1], 0.05)


def pool_of(server: Server, size: int = 1, recycle_seconds: float = 60) -> Pool:
    """A pool that does not wait for long."""
    return Pool(server.connect, size, wait_seconds=0.05, recycle_seconds=recycle_seconds)


async def test_a_connection_is_used_again() -> None:
    server = Server()
    pool = pool_of(server, size=2)
    for _ in range(3):
        async with pool.connection():
            assert (pool.usage().in_use, pool.usage().idle) == (1, 0)
    assert (pool.usage().in_use, pool.usage().idle) == (0, 1)
    await pool.close()
    assert [driver.left for driver in server.drivers] == [True]


async def test_never_exceeds_its_size_and_serves_in_order() -> None:
    server = Server()
    pool = pool_of(server, size=2)
    served: list[int] = []

    async def use(number: int) -> None:
        async with pool.connection():
            served.append(number)
            await asyncio.sleep(0.001)

    await asyncio.gather(*map(use, range(20)))
    assert served == list(range(20))
    assert len(server.drivers) == 2
    await pool.close()


async def test_waiting_has_a_time_limit() -> None:
    pool = pool_of(Server())
    async with pool.connection():
        with pytest.raises(TimeoutError):
            async with pool.connection():
                pass
    async with pool.connection():
        assert pool.usage().in_use == 1
    await pool.close()


async def test_a_cancelled_wait_takes_no_connection() -> None:
    pool = pool_of(Server())

    async def use() -> None:
        async with pool.connection():
            pass

    async with pool.connection():
        waiting = asyncio.create_task(use())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert waiting.cancelled()
    await use()
    await pool.close()


async def test_connections_are_replaced_after_their_maximum_age() -> None:
    server = Server()
    pool = Pool(server.connect, 1, wait_seconds=0.05, recycle_seconds=60, max_age=lambda: 0.01)
    async with pool.connection():
        await asyncio.sleep(0.02)
    async with pool.connection():
        assert [driver.closed for driver in server.drivers] == [True, False]
    await pool.close()


async def test_a_failed_attempt_to_connect_takes_no_connection() -> None:
    pool = pool_of(Server(OSError("refused"), OSError("refused")))
    for _ in range(2):
        with pytest.raises(OSError, match="refused"):
            async with pool.connection():
                pass
    async with pool.connection():
        assert pool.usage().in_use == 1
    await pool.close()


@pytest.mark.parametrize(
    "error",
    [OperationalError(2013, "lost"), OperationalError(1290, "read-only"), ConnectionResetError("reset")],
    ids=str,
)
async def test_after_a_lost_connection_those_that_were_idle_are_closed_too(error: Exception) -> None:
    server = Server()
    pool = pool_of(server, size=3)
    async with pool.connection(), pool.connection(), pool.connection():
        pass
    for driver in server.drivers:
        driver.fails = error
    with pytest.raises(type(error)):
        async with pool.connection() as connection:
            await connection.run("SELECT 1")
    assert [driver.closed for driver in server.drivers] == [True] * 3
    async with pool.connection() as connection:
        await connection.run("SELECT 1")
    assert len(server.drivers) == 4
    await pool.close()


async def test_a_statement_that_was_cut_off_closes_its_own_connection_only() -> None:
    server = Server()
    pool = pool_of(server, size=2)
    async with pool.connection(), pool.connection():
        pass
    with pytest.raises(TimeoutError):
        async with pool.connection() as connection:
            for driver in server.drivers:
                driver.hangs = True
            await connection.run("SELECT 1")
    assert sorted(driver.closed for driver in server.drivers) == [False, True]
    assert pool.usage().idle == 1
    await pool.close()


async def test_a_connection_with_an_open_transaction_is_closed() -> None:
    server = Server()
    pool = pool_of(server)
    async with pool.connection():
        server.drivers[0].in_transaction = True
    assert (server.drivers[0].closed, pool.usage().idle) == (True, 0)
    await pool.close()


async def test_an_error_reported_by_the_server_leaves_the_connection_usable() -> None:
    server = Server()
    pool = pool_of(server)
    with pytest.raises(OperationalError):
        async with pool.connection() as connection:
            server.drivers[0].fails = OperationalError(1205, "lock wait timeout")
            await connection.run("UPDATE")
    assert (server.drivers[0].closed, pool.usage().idle) == (False, 1)
    await pool.close()


@pytest.mark.parametrize(("end", "statement"), [("commit", "COMMIT"), ("roll_back", "ROLLBACK")])
async def test_named_locks_end_with_the_transaction(end: str, statement: str) -> None:
    server = Server()
    pool = pool_of(server)
    async with pool.connection() as connection:
        assert await connection.claim("GET_LOCK", "name")
        await getattr(connection, end)()
    assert server.drivers[0].statements == ["GET_LOCK", statement, "DO RELEASE_ALL_LOCKS()"]
    assert pool.usage().idle == 1
    await pool.close()


async def test_a_named_lock_that_was_not_released_closes_the_connection() -> None:
    server = Server()
    pool = pool_of(server)
    async with pool.connection() as connection:
        await connection.claim("GET_LOCK", "name")
    assert (server.drivers[0].closed, pool.usage().idle) == (True, 0)
    await pool.close()


async def test_connections_that_are_idle_for_long_are_closed() -> None:
    server = Server()
    pool = pool_of(server, size=2, recycle_seconds=0.02)
    async with pool.connection(), pool.connection():
        await asyncio.sleep(0.05)
        assert not any(driver.left for driver in server.drivers)
    async with asyncio.timeout(10):
        while pool.usage().idle:  # noqa: ASYNC110 - the pool has no event for it
            await asyncio.sleep(0.01)
    assert all(driver.left for driver in server.drivers)
    await pool.close()
