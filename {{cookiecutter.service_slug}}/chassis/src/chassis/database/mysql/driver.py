"""The part of asyncmy that is used here; its own types are incomplete."""

from collections.abc import Sequence
from typing import Any, Protocol

Row = tuple[Any, ...]


class Result(Protocol):
    """The answer to a statement."""

    rows: Sequence[Row]
    affected_rows: int


class Prepared(Protocol):
    """A statement that the server has parsed already."""

    async def execute(self, args: Sequence[Any]) -> Result: ...

    async def close(self) -> None: ...


class Driver(Protocol):
    """A connection."""

    async def query(self, sql: str) -> int: ...

    async def prepare(self, query: str) -> Prepared: ...

    async def ensure_closed(self) -> None: ...

    def close(self) -> None: ...

    def get_server_info(self) -> str: ...

    def get_transaction_status(self) -> bool: ...
