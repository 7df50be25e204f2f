"""Stand-ins for tests of what follows a failure."""

from typing import NoReturn

from ..errors import Unavailable


class RecordingBackoff:
    """Takes the place of a Backoff: never waits, and records for how many consecutive failures each pause was."""

    def __init__(self) -> None:
        self.failures: list[int] = []

    def after(self, failures: int) -> float:
        """No time."""
        self.failures.append(failures)
        return 0


async def database_unavailable(*_: object) -> NoReturn:
    """Takes the place of any operation while the database is away."""
    raise Unavailable("database", "cannot be reached")
