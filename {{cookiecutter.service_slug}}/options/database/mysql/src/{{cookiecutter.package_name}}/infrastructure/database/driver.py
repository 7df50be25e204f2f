"""What is used of asyncmy, which says little about types itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

Value = bytes | datetime | int | str
Row = tuple[Any, ...]


class Result(Protocol):
    """What a statement has answered."""

    rows: Sequence[Row]
    affected_rows: int


class Prepared(Protocol):
    """A statement that the server has read already."""

    async def execute(self, args: Sequence[Value]) -> Result: ...


class Driver(Protocol):
    """A connection."""

    async def query(self, sql: str) -> int: ...

    async def prepare(self, query: str) -> Prepared: ...

    async def ensure_closed(self) -> None: ...

    def close(self) -> None: ...

    def get_server_info(self) -> str: ...

    def get_transaction_status(self) -> bool: ...
