"""Where a message lies in its stream: a dead letter that cannot hold its body names it, and a replay takes it there."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from .sessions import Session

_BEGIN = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Original:
    """A message as it came.

    Args:
        stream: it lies in.
        number: there.
        time: at which it was stored, in nanoseconds since 1970: a stream that is made anew counts from the beginning.
        size: of its body in bytes.
    """

    stream: str
    number: int
    time: int
    size: int

    @classmethod
    def parse(cls, text: str) -> "Original | None":
        """From a header; None if that names nothing."""
        match text.split(" "):
            case [stream, *numbers] if len(numbers) == 3 and all(number.isdecimal() for number in numbers):
                return cls(stream, *map(int, numbers))
        return None

    def __str__(self) -> str:
        """For a header."""
        return f"{self.stream} {self.number} {self.time} {self.size}"

    @property
    def place(self) -> str:
        """For people."""
        return f"number {self.number} of stream {self.stream}"

    async def fetch(self, session: Session) -> RawStreamMsg:
        """The message. Raises NotFoundError if it is gone, nats.errors.Error."""
        stored = await session.jetstream.get_msg(self.stream, seq=self.number)
        if stored.time is None or (stored.time - _BEGIN) // timedelta(microseconds=1) != self.time // 1_000:
            raise NotFoundError
        return stored
